"""Pruning tunable layers: channels that no slider position needs are cut out.

Network Slimming (Liu et al., ICCV 2017) drops the channels whose scale is small. A tunable layer
has no scale of its own but a kernel per position: a channel may go only if its kernel is small at
*every* λ. The kernel is affine in λ and a norm is convex, so over a box of positions it is largest
at a corner.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from .kernels import TunableConv2d, arguments


@torch.no_grad()
def importance(layer: TunableConv2d, low: Tensor, high: Tensor) -> Tensor:
    """The largest norm (out,) of each channel's kernel and bias for λ in `low`..`high` (P,)."""
    corners = torch.stack([torch.stack(c) for c in product(*zip(low, high, strict=True))])
    weight, bias = layer.kernels(corners.to(layer.weight))
    squares = weight.square().sum((2, 3, 4))
    if bias is not None:
        squares = squares + bias.square()
    return squares.sqrt().amax(0)


@torch.no_grad()
def prune(
    first: TunableConv2d, second: TunableConv2d, keep: Tensor
) -> tuple[TunableConv2d, TunableConv2d]:
    """`first` and `second` with only the channels between them where `keep` (C,) is true.

    Right where both have groups = 1 and nothing is between them but a function of each value that
    leaves 0 at 0 (ReLU): the result is, at every λ, what it would be if the channels' kernels were
    zero. Raises ValueError if no channel is kept or the layers do not fit.
    """
    if first.groups != 1 or second.groups != 1 or len(keep) != first.out_channels:
        raise ValueError("both layers need groups = 1, and keep one value per channel between them")
    if second.in_channels != first.out_channels or not bool(keep.any()):
        raise ValueError("the layers do not follow each other, or no channel would be kept")
    count = int(keep.sum())
    return (
        _cut(first, _like(first, first.in_channels, count), keep, axis=0),
        _cut(second, _like(second, count, second.out_channels), keep, axis=1),
    )


def _cut(layer: TunableConv2d, narrow: TunableConv2d, keep: Tensor, axis: int) -> TunableConv2d:
    """Fill `narrow` with what `keep` leaves of `layer` along the kernels' `axis`: 0 out, 1 in."""
    state = {}
    for name, value in layer.state_dict().items():
        at = axis + name.endswith("_slopes")  # slopes have λ's axis in front
        whole = name.startswith("mix.") or (name.startswith("bias") and axis == 1)
        state[name] = value if whole else value.index_select(at, keep.nonzero()[:, 0])
    narrow.load_state_dict(state)
    return narrow


def _like(layer: TunableConv2d, channels_in: int, channels_out: int) -> TunableConv2d:
    channels = {"in_channels": channels_in, "out_channels": channels_out}
    known, mlp = arguments(layer) | channels, layer.mix is not None
    return TunableConv2d(**known, controls=layer.controls, parameter_map="mlp" if mlp else "linear")
