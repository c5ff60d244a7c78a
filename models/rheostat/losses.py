"""Losses, each per sample, and the parametric multi-loss that lets the sliders weigh them.

L(λ) = Σᵢ wᵢ(λ) Lᵢ, with the same λ in the loss and in the network (Maggioni et al., CVPR 2023;
Dosovitskiy & Djolonga, "You Only Train Once", ICLR 2020). The perceptual distance is in
`perception`, the adversarial loss in `adversarial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiLoss(nn.Module):
    """Weighted sum of per-sample losses, each divided by its own running average.

    The division makes the terms comparable whatever their units, so that equal steps of a weight
    mean equal steps of the result (Babaeizadeh & Ghiasi, ICLR 2020). The averages are buffers:
    they are saved and resumed with the training.
    """

    averages: Tensor

    def __init__(self, names: tuple[str, ...], decay: float = 0.99) -> None:
        """`names` of the terms, in a fixed order; `decay` of the running averages, 0..1."""
        super().__init__()
        self.names = names
        self.decay = decay
        self.register_buffer("averages", torch.zeros(len(names)))

    def forward(self, losses: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Tensor:
        """The scalar Σᵢ mean(wᵢ Lᵢ) / averageᵢ.

        losses, weights  per sample, (N,) each; where a weight is 0 the loss may be 0 uncomputed:
                         such samples do not count towards the average.
        """
        terms = []
        for index, name in enumerate(self.names):
            weighted = (weights[name] * losses[name]).mean()
            terms.append(weighted / self._average(index, losses[name], weights[name]))
        return torch.stack(terms).sum()

    @torch.no_grad()
    def _average(self, index: int, loss: Tensor, weight: Tensor) -> Tensor:
        counted = loss[weight > 0]
        if counted.numel():
            # Of their sizes: what an adversarial loss is on average may be negative, or 0.
            now, old = counted.abs().mean().to(self.averages), self.averages[index]
            self.averages[index] = now if old == 0 else self.decay * old + (1 - self.decay) * now
        return self.averages[index].clamp_min(1e-12)


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference (N,) of pictures (N, C, H, W)."""
    return (x - y).abs().mean((1, 2, 3))


def charbonnier(x: Tensor, y: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean √(d² + ε²) (N,): L1, smooth within ε of 0 (Lai et al., LapSRN, CVPR 2017)."""
    return ((x - y).square() + epsilon**2).sqrt().mean((1, 2, 3))


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference (N,) of neighbouring values in `x` (N, C, H, W), both ways."""
    # Along a side of one pixel there are none, whose mean would be no number.
    ways = (x.diff(dim=d).abs().mean((1, 2, 3)) for d in (2, 3) if x.shape[d] > 1)
    return sum(ways, x.new_zeros(len(x)))


def gram(x: Tensor) -> Tensor:
    """Gram matrices (N, C, C) of features (N, C, H, W), over C·H·W (Johnson et al., ECCV 2016)."""
    flat = x.permute(0, 2, 3, 1).flatten(1, 2)  # as features lie in memory: channels last
    products: Tensor = _Products.apply(flat)  # type: ignore[no-untyped-call]
    return products / flat[0].numel()


class _Products(torch.autograd.Function):
    """XᵀX of X (N, pixels, C). Autograd alone multiplies X twice to find its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.mT @ x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        product: Tensor = x @ (gradient + gradient.mT).to(x)  # autocast may have narrowed it
        return product


def gram_distance(x: Tensor, y: Tensor) -> Tensor:
    """Squared Frobenius distance (N,) of the Gram matrices of features (N, C, H, W).

    Their heights and widths may differ.
    """
    return (gram(x) - gram(y)).square().sum((1, 2))


def sliced_wasserstein(
    x: Tensor, y: Tensor, generator: torch.Generator, projections: int = 32
) -> Tensor:
    """Sliced Wasserstein distance (N,) of the features' distributions, (N, C, H, W) each.

    Mean squared difference of the sorted values along random unit directions: all statistics of
    the features, where the Gram matrix sees two moments (Heitz et al., CVPR 2021). The number of
    pixels of `y` may differ; its sorted values are then read between neighbours.
    """
    channels = x.shape[1]
    directions = torch.randn(channels, projections, generator=generator).to(x)
    directions = directions / directions.norm(dim=0, keepdim=True).clamp_min(1e-12)
    a, b = (
        torch.einsum("ncp,cd->ndp", f.flatten(2), directions).sort(dim=2).values for f in (x, y)
    )
    if b.shape[2] != a.shape[2]:
        b = F.interpolate(b, a.shape[2], mode="linear", align_corners=True)
    return (a - b).square().mean((1, 2))
