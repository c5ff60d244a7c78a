"""Parametric multi-loss: the sliders weigh the losses as they shape the kernels.

L(λ) = Σᵢ wᵢ(λ) Lᵢ, with the same λ in the loss and in the network (Maggioni et al., CVPR 2023;
Dosovitskiy & Djolonga, "You Only Train Once", ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
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
            now, old = counted.mean().to(self.averages), self.averages[index]
            self.averages[index] = now if old == 0 else self.decay * old + (1 - self.decay) * now
        return self.averages[index].clamp_min(1e-12)
