"""Denoiser: residual 3×3 blocks on 2×2 space-to-depth pixels, all kernels tunable.

Working at half resolution quarters the cost per layer (FFDNet, Zhang et al. 2018). There is no
normalisation and no pooling over the picture, so a tile with enough context equals the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..strategies import convert
from .network import Baked, Network

MAX_NOISE = 75.0  # σ in 8-bit levels
FADE_NOISE = 4.0  # σ over which the correction grows to its full size
TOE = 5.0  # σ below which it is held back further


class ResidualBlock(nn.Module):
    """z + conv(relu(conv(z))) at constant width."""

    def __init__(self, width: int) -> None:
        """Two 3×3 convolutions of `width` channels."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():  # a block starts near the identity, whatever the depth
            self.second.weight *= 0.1

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, H, W) -> same shape."""
        out: Tensor = z + self.second(torch.relu(self.first(z)))
        return out


class Trunk(nn.Module):
    """Picture -> features of half its size."""

    def __init__(self, width: int, blocks: int) -> None:
        """`blocks` residual blocks of `width` channels."""
        super().__init__()
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, width, 3, padding=1))
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), even sides -> (N, width, H/2, W/2)."""
        centred = (x - 0.5).to(next(self.parameters()).dtype)
        z: Tensor = self.body(self.enter(centred))
        return z


class Head(nn.Module):
    """Features -> the noise in the picture."""

    def __init__(self, width: int, blocks: int) -> None:
        """`blocks` more residual blocks of `width` channels."""
        super().__init__()
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, 12, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, H/2, W/2) -> (N, 3, H, W)."""
        noise: Tensor = self.shuffle(self.leave(self.body(z)))
        return noise


class Denoised(Baked):
    """x − noise(x): a denoiser baked at one slider position."""

    def __init__(self, features: Trunk, noise: Head) -> None:
        """`noise` already carries the fade."""
        super().__init__()
        self.features, self.noise = features, noise

    def trunk(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> features."""
        z: Tensor = self.features(x)
        return z

    def head(self, x: Tensor, features: Tensor) -> Tensor:
        """`x` less its noise."""
        y: Tensor = x - self.noise(features).to(x)
        return y


class Denoiser(Network):
    """Denoiser with two sliders: λ = (noise, detail).

    noise   σ of the noise to remove, in 8-bit levels, 0–75; 0 is the identity, exactly
    detail  0 (least absolute error) to 1 (keeps texture); moves the last blocks only

    The kernels are affine in (√(σ/75), detail): the root gives low noise levels, between which a
    denoiser's kernels change most, their share of the travel. The correction is multiplied by
    tanh(σ/4) and, below σ 5, by a smooth step from 0 to 1: so the way to the identity has no jump,
    also on a picture with much more noise than the slider says.
    """

    multiple = 2

    def __init__(self, width: int = 64, blocks: int = 5, late: int = 1) -> None:
        """`blocks` residual blocks of `width` channels at half resolution, the last `late` of them
        and the last convolution moved by detail as well. ValueError unless 0 <= late <= blocks.
        """
        super().__init__()
        if not 0 <= late <= blocks:
            raise ValueError(f"late is {late}; of {blocks} blocks, 0 to {blocks} can be")
        self.trunk = convert(Trunk(width, blocks - late), controls=1)
        self.head = convert(Head(width, late), controls=2)
        self.receptive_radius = 2 * (2 * blocks + 2) + 1  # 3×3 layers on 2×2 pixels

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W), even sides, 0..1 sRGB-encoded; `lam` (N, 2), (1, 2) or a map."""
        lam_trunk, lam_head = _coordinates(lam)
        noise: Tensor = self.head(self.trunk(x, lam_trunk), lam_head)
        return x - _fade(lam) * noise

    def bake(self, lam: Tensor) -> Denoised:
        """The plain network at `lam` (2,); the fade is folded into the last layer."""
        lam_trunk, lam_head = _coordinates(lam[None])
        trunk, head = self.trunk.bake(lam_trunk[0]), self.head.bake(lam_head[0])
        assert isinstance(trunk, Trunk)
        assert isinstance(head, Head)
        fade = _fade(lam[None]).item()
        with torch.no_grad():
            head.leave.weight *= fade
            if head.leave.bias is not None:
                head.leave.bias *= fade
        return Denoised(trunk, head)


def _coordinates(lam: Tensor) -> tuple[Tensor, Tensor]:
    """What the kernels of trunk and head are affine in, for λ (N, 2), or a map at half its size."""
    noise = torch.sqrt(lam[:, :1] / MAX_NOISE)
    both = torch.cat((noise, lam[:, 1:]), dim=1)
    if lam.ndim == 4:
        both = nn.functional.avg_pool2d(both, 2)
    return both[:, :1], both


def _fade(lam: Tensor) -> Tensor:
    """How much of the correction counts: (N, 1, 1, 1), or (N, 1, H, W) for a map."""
    sigma = lam[:, :1] if lam.ndim == 4 else lam[:, :1, None, None]
    toe = (sigma / TOE).clamp(0, 1)
    return torch.tanh(sigma / FADE_NOISE) * toe * toe * (3 - 2 * toe)
