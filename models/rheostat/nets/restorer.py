"""Restorer: residual 3×3 blocks on 2×2 space-to-depth pixels, all kernels tunable.

Working at half resolution quarters the cost per layer (FFDNet, Zhang et al. 2018). There is no
normalisation and no pooling over the picture, so a tile with enough context equals the whole.
"""

from __future__ import annotations

import abc
import math

import torch
from torch import Tensor, nn

from ..strategies import convert
from .network import Baked, Network


class ResidualBlock(nn.Module):
    """z + conv(relu(conv(z))) at constant width."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        """Two 3×3 convolutions of `width` channels, the first of them dilated."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():  # a block starts near the identity, whatever the depth
            self.second.weight *= 0.1

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, H, W) -> same shape."""
        out: Tensor = z + self.second(torch.relu(self.first(z)))
        return out


class Trunk(nn.Module):
    """Picture -> features, by default of half its size."""

    def __init__(self, width: int, blocks: int, fold: int = 2) -> None:
        """`blocks` residual blocks of `width` channels on `fold` × `fold` pixels each."""
        super().__init__()
        self.enter = nn.Sequential(
            nn.PixelUnshuffle(fold), nn.Conv2d(3 * fold**2, width, 3, padding=1)
        )
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), sides multiples of fold -> (N, width, H/fold, W/fold)."""
        centred = (x - 0.5).to(next(self.parameters()).dtype)
        z: Tensor = self.body(self.enter(centred))
        return z


class Head(nn.Module):
    """Features -> what is wrong with the picture, by default of twice their size."""

    def __init__(self, width: int, blocks: int, fold: int = 2) -> None:
        """`blocks` more residual blocks of `width` channels, then `fold` × `fold` pixels each."""
        super().__init__()
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, 3 * fold**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(fold)

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, 3, fold · H, fold · W)."""
        fault: Tensor = self.shuffle(self.leave(self.body(z)))
        return fault


class Restored(Baked):
    """x − fault(x): a restorer baked at one slider position."""

    def __init__(self, features: Trunk, fault: Head, limit: float) -> None:
        """`fault` already carries the fade; it counts up to `limit` either way."""
        super().__init__()
        self.features, self.fault, self.limit = features, fault, limit

    def trunk(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> features."""
        z: Tensor = self.features(x)
        return z

    def head(self, x: Tensor, features: Tensor) -> Tensor:
        """`x` less its fault."""
        y: Tensor = x - self.fault(features).to(x).clamp(-self.limit, self.limit)
        return y


class Restorer(Network):
    """Result = picture − fade(λ) · fault(picture, λ): what repairs a picture, by sliders.

    The last slider is `detail`; it moves the last blocks only. Subclasses say in which
    coordinates of λ the kernels are affine, and where the correction fades to nothing. With `bent`
    the last kernels are affine in detail and its square: half of the way is then a place of its
    own, and not the mean of its ends.
    """

    multiple = 2
    axes: int  # coordinates of the kernels, the last of them `detail`
    limit = math.inf  # of the correction, in the unit range

    def __init__(self, width: int = 64, blocks: int = 5, late: int = 1, bent: bool = False) -> None:
        """`blocks` residual blocks of `width` channels at half resolution, the last `late` of them
        and the last convolution moved by detail as well. ValueError unless 0 <= late <= blocks.
        """
        super().__init__()
        if not 0 <= late <= blocks:
            raise ValueError(f"late is {late}; of {blocks} blocks, 0 to {blocks} can be")
        self.bent = bent
        if bent:
            self.last_powers = (1, 2)
        self.trunk = convert(Trunk(width, blocks - late), controls=self.axes - 1)
        self.head = convert(Head(width, late), controls=self.axes + bent)
        self.receptive_radius = 2 * (2 * blocks + 2) + 1  # 3×3 layers on 2×2 pixels

    @abc.abstractmethod
    def coordinates(self, lam: Tensor) -> Tensor:
        """What the kernels are affine in: (N, axes), or (N, axes, H, W), for λ like it."""

    @abc.abstractmethod
    def fade(self, lam: Tensor) -> Tensor:
        """How much of the correction counts, 0..1, by the first dimension of λ kept: (N, 1, …)."""

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W), even sides, 0..1 sRGB-encoded; `lam` (N, P), (1, P) or a map."""
        axes = self._axes(lam)
        if lam.ndim == 4:
            axes = nn.functional.avg_pool2d(axes, 2)  # the kernels work at half the size
        fault: Tensor = self.head(self.trunk(x, axes[:, : self.axes - 1]), axes)
        fade = self.fade(lam)
        fault = (fade if lam.ndim == 4 else fade[:, :, None, None]) * fault
        return x - fault.clamp(-self.limit, self.limit)

    def bake(self, lam: Tensor) -> Restored:
        """The plain network at `lam` (P,); the fade is folded into the last layer."""
        axes = self._axes(lam[None])[0]
        trunk, head = self.trunk.bake(axes[: self.axes - 1]), self.head.bake(axes)
        assert isinstance(trunk, Trunk)
        assert isinstance(head, Head)
        fade = self.fade(lam[None]).item()
        with torch.no_grad():
            head.leave.weight *= fade
            if head.leave.bias is not None:
                head.leave.bias *= fade
        return Restored(trunk, head, self.limit)

    def _axes(self, lam: Tensor) -> Tensor:
        axes = self.coordinates(lam)
        return torch.cat((axes, axes[:, -1:] ** 2), dim=1) if self.bent else axes


def smooth_step(t: Tensor) -> Tensor:
    """0 below 0, 1 above 1, and between them a cubic without a corner."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
