"""Strategy: a way for λ to reach a network, and what it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..tunable import TunableLayer

Site = Literal["kernels", "convolutions", "blocks", "network"]


@dataclass(frozen=True)
class Strategy:
    """A method of the literature behind `rheostat.convert(network, controls, strategy=name)`.

    name       in the registry
    source     the paper
    wrap       (module, controls) -> the tunable layer that takes its place; it equals the module at
               every λ until it is trained
    site       which modules it is put on: "kernels" (convolutions, transposed ones, linear layers),
               "convolutions" (nn.Conv2d), "blocks" (modules of your choice that keep the shape:
               name them in `include`) or "network" (the whole)
    training   how the paper trains it. "joint": λ drawn anew for every sample, everything trained.
               "ends": the base parameters at λ = 0, then only the added ones at λ = 1
    exact_base whether λ = 0 is, after training too, bit for bit the network of the base parameters
    folds      whether `bake` gives the modules that the network had before, at no cost per pixel
    maps       whether λ may be given per pixel
    limits     what it does not do, in a sentence
    """

    name: str
    source: str
    wrap: Callable[[nn.Module, int], TunableLayer]
    site: Site
    training: Literal["joint", "ends"]
    exact_base: bool
    folds: bool
    maps: bool
    limits: str = ""


@dataclass(frozen=True)
class Cost:
    """Parameters and multiply-accumulates of one pass over one input."""

    parameters: int
    macs: int

    def __sub__(self, other: Cost) -> Cost:
        """What this costs more than `other`."""
        return Cost(self.parameters - other.parameters, self.macs - other.macs)


@torch.no_grad()
def cost(network: nn.Module, x: Tensor, lam: Tensor | None = None) -> Cost:
    """Counted on a pass of `network` over `x` (N, C, H, W), at λ = `lam` if it is tunable.

    MACs are those of convolutions and matrix products, as PyTorch's counter sees them. A tunable
    network's own cost of making its kernels does not depend on the number of pixels; give an `x`
    of real size.
    """
    inputs = (x,) if lam is None else (x, lam)
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    return Cost(sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2)


def width(module: nn.Module) -> int:
    """Channels that `module` gives: those of its last convolution or linear layer."""
    for layer in reversed(list(module.modules())):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            return layer.out_channels
        if isinstance(layer, nn.Linear):
            return layer.out_features
    raise ValueError(f"{type(module).__name__} has no convolution that tells its width")
