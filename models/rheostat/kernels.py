"""Tunable kernels: convolutions and linear layers that are an affine function of the sliders.

For controls λ ∈ ℝᴾ a layer holds one base kernel and P slopes,

    k(λ) = k₀ + Σᵢ λᵢ kᵢ        b(λ) = b₀ + Σᵢ λᵢ bᵢ        y = x ⊛ k(λ) + b(λ),

the "linear" parameter map of Maggioni et al., "Tunable Convolutions with Parametric Multi-Loss
Optimization" (CVPR 2023), with the constant that their Σ pᵢ = 1 folds in. Their "mlp" map, one
linear layer from λ to the weights of the slopes, is the same function of λ parametrised otherwise.
For one λ the layer *is* a plain one: `bake` writes it out, so a fixed slider position costs
nothing per pixel. A map of λ runs P + 1 convolutions and mixes their results per pixel.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .tunable import TunableLayer, at_size

ParameterMap = Literal["linear", "mlp"]


class TunableKernel(TunableLayer):
    """What the layers below share. They subclass the plain layer; every argument means the same.

    `weight` and `bias` are the kernel at λ = 0 (so a plain state dict loads into a tunable layer);
    `weight_slopes` (P, *weight) and `bias_slopes` (P, *bias) start at zero, so a fresh tunable
    layer ignores λ.
    """

    weight: Tensor
    bias: Any  # Tensor | None; the plain layers annotate it each in its own way
    weight_slopes: nn.Parameter
    bias_slopes: nn.Parameter | None
    mix: nn.Linear | None

    def _add_slopes(self, controls: int, parameter_map: ParameterMap) -> None:
        if controls < 1:
            raise ValueError(f"controls is {controls}; a tunable layer needs at least 1")
        self.controls = controls
        self.weight_slopes = nn.Parameter(self.weight.new_zeros(controls, *self.weight.shape))
        self.bias_slopes = None
        if self.bias is not None:
            self.bias_slopes = nn.Parameter(self.bias.new_zeros(controls, *self.bias.shape))
        self.mix = None
        if parameter_map == "mlp":
            self.mix = nn.Linear(controls, controls).to(self.weight)

    def kernels(self, lam: Tensor) -> tuple[Tensor, Tensor | None]:
        """Kernels (N, *weight) and biases (N, *bias) for `lam` (N, P)."""
        lam = lam if self.mix is None else self.mix(lam)
        weight = self.weight + torch.tensordot(lam, self.weight_slopes, 1)
        if self.bias is None or self.bias_slopes is None:
            return weight, None
        return weight, self.bias + lam @ self.bias_slopes

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """The plain layer's result for `x` (N, ...) with λ = `lam`: (N, P), (1, P) or a map."""
        lam = self.position(x, lam)
        if lam.ndim == 4:
            return self._mixed(x, lam)
        weight, bias = self.kernels(lam)
        if len(lam) == 1:
            return self._apply_one(x, weight[0], None if bias is None else bias[0])
        return self._apply_each(x, weight, bias)

    def bake(self, lam: Tensor) -> nn.Module:
        """The plain layer at `lam` (P,), detached."""
        with torch.no_grad():
            weight, bias = self.kernels(lam[None])
        plain = self._plain()
        plain.weight = nn.Parameter(weight[0], requires_grad=False)
        if bias is not None:
            plain.bias = nn.Parameter(bias[0], requires_grad=False)
        plain.train(self.training)
        return plain

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The slopes, and what mixes them."""
        yield self.weight_slopes
        if self.bias_slopes is not None:
            yield self.bias_slopes
        if self.mix is not None:
            yield from self.mix.parameters()

    def extra_repr(self) -> str:
        """As the plain layer, plus the number of controls."""
        return f"{super().extra_repr()}, controls={self.controls}"

    def _mixed(self, x: Tensor, lam: Tensor, /) -> Tensor:
        """One convolution per slope, mixed by the map `lam` (N, P, H, W)."""
        if self.mix is not None:
            lam = self.mix(lam.movedim(1, -1)).movedim(-1, 1)
        y = self._apply_one(x, self.weight, self.bias)
        lam = at_size(lam, y)
        for i in range(self.controls):
            if not torch.is_grad_enabled() and not bool(lam[:, i].any()):
                continue  # a slider that is off everywhere costs nothing
            bias = None if self.bias_slopes is None else self.bias_slopes[i]
            y = y + lam[:, i : i + 1] * self._apply_one(x, self.weight_slopes[i], bias)
        return y

    @abstractmethod
    def _plain(self) -> nn.Conv2d | nn.ConvTranspose2d | nn.Linear:
        """A plain layer of the same shape, its values not yet set."""

    @abstractmethod
    def _apply_one(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """One kernel for all samples."""

    @abstractmethod
    def _apply_each(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Every sample with its own kernel (N, *weight) and bias (N, *bias)."""


class TunableConv2d(TunableKernel, nn.Conv2d):
    """`nn.Conv2d` whose kernel and bias are affine in λ; groups (depthwise too) included."""

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
        parameter_map: ParameterMap = "linear",
    ) -> None:
        """As `nn.Conv2d`, plus `controls`: the number P of sliders, at least 1."""
        nn.Conv2d.__init__(
            self,
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
        self._add_slopes(controls, parameter_map)

    def _plain(self) -> nn.Conv2d:
        return nn.Conv2d(**arguments(self))

    def _apply_one(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y: Tensor = self._conv_forward(x, weight, bias)
        return y

    def _apply_each(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """N different kernels, in one launch: the batch becomes groups of channels.

        On the CPU one by one: it is up to five times slower at groups of few channels.
        """
        if x.device.type == "cpu":
            biases = [None] * len(x) if bias is None else bias
            parts = zip(torch.split(x, 1), weight, biases, strict=True)
            return torch.cat([self._apply_one(one, kernel, b) for one, kernel, b in parts])
        padding = self.padding
        if self.padding_mode != "zeros":
            x = F.pad(x, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0, 0)
        y = F.conv2d(
            x.reshape(1, -1, *x.shape[2:]),
            weight.flatten(0, 1),
            None if bias is None else bias.flatten(),
            self.stride,
            padding,
            self.dilation,
            groups=len(x) * self.groups,
        )
        return y.reshape(len(x), self.out_channels, *y.shape[2:])


class TunableConvTranspose2d(TunableKernel, nn.ConvTranspose2d):  # type: ignore[misc]  # forward
    """`nn.ConvTranspose2d` whose kernel and bias are affine in λ."""

    def __init__(
        self, *args: Any, controls: int, parameter_map: ParameterMap = "linear", **kwargs: Any
    ) -> None:
        """As `nn.ConvTranspose2d`, plus `controls`: the number P of sliders, at least 1."""
        nn.ConvTranspose2d.__init__(self, *args, **kwargs)
        self._add_slopes(controls, parameter_map)

    def _plain(self) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(**arguments(self))

    def _apply_one(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._transposed(x, weight, bias, self.groups)

    def _apply_each(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        flat = None if bias is None else bias.flatten()
        count = len(x)
        x = x.reshape(1, -1, *x.shape[2:])
        y = self._transposed(x, weight.flatten(0, 1), flat, count * self.groups)
        return y.reshape(count, self.out_channels, *y.shape[2:])

    def _transposed(self, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        assert isinstance(self.padding, tuple)  # it takes no "same"
        size = self.stride, self.padding, self.output_padding, groups, self.dilation
        return F.conv_transpose2d(x, weight, bias, *size)


class TunableLinear(TunableKernel, nn.Linear):
    """`nn.Linear` whose matrix and bias are affine in λ; no maps: its input has no pixels."""

    def __init__(
        self, *args: Any, controls: int, parameter_map: ParameterMap = "linear", **kwargs: Any
    ) -> None:
        """As `nn.Linear`, plus `controls`: the number P of sliders, at least 1."""
        nn.Linear.__init__(self, *args, **kwargs)
        self._add_slopes(controls, parameter_map)

    def _plain(self) -> nn.Linear:
        return nn.Linear(
            self.in_features,
            self.out_features,
            self.bias is not None,
            self.weight.device,
            self.weight.dtype,
        )

    def _apply_one(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias)

    def _apply_each(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y = torch.einsum("n...i,noi->n...o", x, weight)
        if bias is None:
            return y
        return y + bias.reshape(len(x), *(1,) * (x.ndim - 2), self.out_features)

    def _mixed(self, _x: Tensor, lam: Tensor, /) -> Tensor:
        raise ValueError(
            f"a linear layer takes no map of λ, and {tuple(lam.shape)} is one: give one λ per "
            "sample, (N, P), or leave linear layers plain, convert(..., exclude=[their names])"
        )


class TunableScale(TunableLayer):
    """y = s(λ) ⊙ x + t(λ) per channel (N, C, H, W): residual scales and biases, affine in λ.

    s(0) is 1 and t(0) is 0 until it is trained.
    """

    def __init__(self, channels: int, controls: int) -> None:
        """For features of `channels`, moved by `controls` sliders."""
        super().__init__()
        self.controls = controls
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.scale_slopes = nn.Parameter(torch.zeros(controls, channels))
        self.shift_slopes = nn.Parameter(torch.zeros(controls, channels))

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """Scale and shift `x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map."""
        lam = self.position(x, lam)
        lam = at_size(lam, x) if lam.ndim == 4 else lam[..., None, None]
        scale = torch.einsum("nphw,pc->nchw", lam, self.scale_slopes)
        shift = torch.einsum("nphw,pc->nchw", lam, self.shift_slopes)
        return x * (self.scale[:, None, None] + scale) + (self.shift[:, None, None] + shift)

    def bake(self, lam: Tensor) -> nn.Module:
        """A depthwise 1×1 convolution."""
        channels = len(self.scale)
        plain = nn.Conv2d(channels, channels, 1, groups=channels).to(self.scale)
        with torch.no_grad():
            plain.weight.copy_((self.scale + lam @ self.scale_slopes)[:, None, None, None])
            if plain.bias is not None:
                plain.bias.copy_(self.shift + lam @ self.shift_slopes)
        return plain.requires_grad_(False)

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The slopes."""
        yield from (self.scale_slopes, self.shift_slopes)


def make_tunable(
    layer: nn.Module, controls: int, parameter_map: ParameterMap = "linear"
) -> TunableKernel:
    """A tunable layer that equals the plain `layer` at every λ until it is trained.

    It holds the layer's own parameters, so that tied ones stay tied and frozen ones frozen.
    """
    make: Any
    if type(layer) is nn.Conv2d:
        make, known = TunableConv2d, arguments(layer)
    elif type(layer) is nn.ConvTranspose2d:
        make, known = TunableConvTranspose2d, arguments(layer)
    elif type(layer) is nn.Linear:
        make = TunableLinear
        known = {
            "in_features": layer.in_features,
            "out_features": layer.out_features,
            "bias": layer.bias is not None,
            "device": layer.weight.device,
            "dtype": layer.weight.dtype,
        }
    else:
        raise TypeError(
            f"{type(layer).__name__} has no tunable form; Conv2d, ConvTranspose2d and Linear have"
        )
    if "weight" not in layer._parameters:  # it is made of others by a hook
        own = list(layer._parameters)
        raise TypeError(
            f"{type(layer).__name__} has no weight of its own, but {own}: remove the hook that "
            "makes it (as remove_weight_norm does), or exclude the layer"
        )
    tunable: TunableKernel = make(**known, controls=controls, parameter_map=parameter_map)
    tunable.weight, tunable.bias = layer.weight, layer.bias
    return tunable.train(layer.training)


def arguments(conv: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    """The constructor's arguments that make another convolution like `conv`."""
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    known = {name: getattr(conv, name) for name in (*names, "groups", "padding_mode")}
    if isinstance(conv, nn.ConvTranspose2d):
        known["output_padding"] = conv.output_padding
    like = {"device": conv.weight.device, "dtype": conv.weight.dtype}
    return known | like | {"bias": conv.bias is not None}
