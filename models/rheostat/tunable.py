"""Tunable convolutions: kernels that are an affine function of the sliders.

For controls λ ∈ ℝᴾ a layer holds one base kernel and P slopes,

    k(λ) = k₀ + Σᵢ λᵢ kᵢ        b(λ) = b₀ + Σᵢ λᵢ bᵢ        y = x ⊛ k(λ) + b(λ),

the "linear" parameter map of Maggioni et al., "Tunable Convolutions with Parametric Multi-Loss
Optimization" (CVPR 2023), with the constant that their Σ pᵢ = 1 folds in. For one λ the layer *is*
a plain convolution: `bake` writes it out, so a fixed slider position costs nothing per pixel.
"""

from __future__ import annotations

import copy
from typing import Any, Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@runtime_checkable
class Tunable(Protocol):
    """A network with sliders: `tunable(x, lam)` per-sample, `bake(lam)` for one position."""

    def __call__(self, x: Tensor, lam: Tensor) -> Tensor:
        """Run on `x` (N, C, H, W) with `lam` (N, P), or (1, P) for the whole batch."""
        ...

    def bake(self, lam: Tensor) -> nn.Module:
        """The plain network at `lam` (P,)."""
        ...


class TunableConv2d(nn.Conv2d):
    """`nn.Conv2d` whose kernel and bias are affine in λ; every argument means the same.

    `weight` and `bias` are the kernel at λ = 0 (so a plain state dict loads into a tunable layer);
    `weight_slopes` (P, out, in/groups, kH, kW) and `bias_slopes` (P, out) start at zero, so a
    fresh tunable layer ignores λ.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        controls: int,
    ) -> None:
        """As `nn.Conv2d`, plus `controls`: the number P of sliders, at least 1."""
        if controls < 1:
            raise ValueError(f"controls is {controls}; a tunable layer needs at least 1")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.weight_slopes = nn.Parameter(self.weight.new_zeros(controls, *self.weight.shape))
        self.bias_slopes: nn.Parameter | None = None
        if self.bias is not None:
            self.bias_slopes = nn.Parameter(self.bias.new_zeros(controls, *self.bias.shape))
        self.lam: Tensor | None = None  # set for the length of a pass by TunableNetwork

    @classmethod
    def from_plain(cls, conv: nn.Conv2d, controls: int) -> TunableConv2d:
        """A tunable layer that equals `conv` at every λ until it is trained."""
        layer = cls(**_arguments(conv), controls=controls)
        layer.load_state_dict(conv.state_dict(), strict=False)
        return layer.train(conv.training)

    @property
    def controls(self) -> int:
        """P, the number of sliders."""
        return self.weight_slopes.shape[0]

    def kernels(self, lam: Tensor) -> tuple[Tensor, Tensor | None]:
        """Kernels (N, out, in/groups, kH, kW) and biases (N, out) for `lam` (N, P)."""
        weight = self.weight + torch.einsum("np,poihw->noihw", lam, self.weight_slopes)
        if self.bias is None or self.bias_slopes is None:
            return weight, None
        return weight, self.bias + lam @ self.bias_slopes

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """Convolve `x` (N, in, H, W) with λ = `lam` (N, P) per sample, or (1, P) for all.

        Inside a `TunableNetwork` λ comes from the network and is not passed here.
        """
        lam = self.lam if lam is None else lam
        if lam is None:
            raise ValueError("λ is missing: pass lam, or call the network that `convert` returned")
        if lam.ndim != 2 or lam.shape[1] != self.controls or lam.shape[0] not in (1, x.shape[0]):
            raise ValueError(
                f"λ has shape {tuple(lam.shape)}; "
                f"({x.shape[0]}, {self.controls}) or (1, {self.controls}) is needed"
            )
        weight, bias = self.kernels(lam)
        if lam.shape[0] == 1:
            y: Tensor = self._conv_forward(x, weight[0], None if bias is None else bias[0])
            return y
        return self._conv_per_sample(x, weight, bias)

    def _conv_per_sample(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """N different kernels in one launch: the batch becomes groups of channels."""
        padding = self.padding
        if self.padding_mode != "zeros":
            x = F.pad(x, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0, 0)
        count = x.shape[0]
        y = F.conv2d(
            x.reshape(1, -1, *x.shape[2:]),
            weight.flatten(0, 1),
            None if bias is None else bias.flatten(),
            self.stride,
            padding,
            self.dilation,
            groups=count * self.groups,
        )
        return y.reshape(count, self.out_channels, *y.shape[2:])

    def bake(self, lam: Tensor) -> nn.Conv2d:
        """The plain convolution at `lam` (P,), detached, on this layer's device and dtype."""
        with torch.no_grad():
            weight, bias = self.kernels(lam.to(self.weight)[None])
        conv = nn.Conv2d(**_arguments(self))
        conv.weight = nn.Parameter(weight[0], requires_grad=False)
        if bias is not None:
            conv.bias = nn.Parameter(bias[0], requires_grad=False)
        return conv.train(self.training)

    def extra_repr(self) -> str:
        """As `nn.Conv2d`, plus the number of controls."""
        plain = str(super().extra_repr())  # type: ignore[no-untyped-call]
        return f"{plain}, controls={self.controls}"


class TunableNetwork(nn.Module):
    """Any network whose convolutions were made tunable: `network(x)` becomes `tunable(x, lam)`.

    λ is handed to the layers for the length of one pass, so the network's own `forward` stays as
    its author wrote it. Not for concurrent calls on one instance; bake for that.
    """

    def __init__(self, network: nn.Module, controls: int) -> None:
        """Wrap `network`, whose convolutions are tunable already (see `convert`)."""
        super().__init__()
        self.network = network
        self.controls = controls

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`network(x)` at λ = `lam`, shape (N, P), or (1, P) for the whole batch."""
        layers = [m for m in self.network.modules() if isinstance(m, TunableConv2d)]
        for layer in layers:
            layer.lam = lam
        try:
            result: Tensor = self.network(x)
            return result
        finally:
            for layer in layers:
                layer.lam = None

    def bake(self, lam: Tensor) -> nn.Module:
        """A copy of the plain network at `lam` (P,), shaped as before `convert`."""
        return _replace(copy.deepcopy(self.network), TunableConv2d, lambda m: m.bake(lam))


def convert(network: nn.Module, controls: int) -> TunableNetwork:
    """Make every `nn.Conv2d` of a copy of `network` tunable by `controls` sliders.

    The result computes what `network` computes, at every λ, until it is trained. Call it as
    `tunable(x, lam)` with `lam` of shape (N, controls); `bake(tunable, lam[0])` gives the plain
    network back for one position.
    """
    tunable = _replace(
        copy.deepcopy(network), nn.Conv2d, lambda conv: TunableConv2d.from_plain(conv, controls)
    )
    if not any(isinstance(m, TunableConv2d) for m in tunable.modules()):
        raise ValueError(f"{type(network).__name__} has no nn.Conv2d to make tunable")
    return TunableNetwork(tunable, controls)


def bake(tunable: nn.Module, lam: Tensor) -> nn.Module:
    """The plain network that `tunable` is at `lam` (P,): no slider, no cost per pixel."""
    if not isinstance(tunable, Tunable):
        raise TypeError(f"{type(tunable).__name__} is not tunable: it has no bake(lam)")
    if lam.ndim != 1:
        raise ValueError(f"λ has shape {tuple(lam.shape)}; one position (P,) is needed")
    return tunable.bake(lam)


def _replace(module: nn.Module, kind: type, make) -> nn.Module:  # type: ignore[no-untyped-def]
    """`module` with every submodule of exactly `kind` replaced by `make(submodule)`."""
    if type(module) is kind:
        return make(module)  # type: ignore[no-any-return]
    for name, child in module.named_children():
        setattr(module, name, _replace(child, kind, make))
    return module


def _arguments(conv: nn.Conv2d) -> dict[str, Any]:
    """The constructor's arguments that make another convolution like `conv`."""
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    return {name: getattr(conv, name) for name in (*names, "groups", "padding_mode")} | {
        "bias": conv.bias is not None,
        "device": conv.weight.device,
        "dtype": conv.weight.dtype,
    }
