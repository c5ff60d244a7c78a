"""Denoiser: residual 3×3 blocks on 2×2 space-to-depth pixels, all kernels tunable.

Working at half resolution quarters the cost per layer (FFDNet, Zhang et al. 2018). There is no
normalisation and no pooling over the picture, so a tile with enough context equals the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..strategies import convert
from .network import Network

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


class NoiseEstimate(nn.Module):
    """Picture -> its noise, both (N, 3, H, W) with even H and W."""

    def __init__(self, width: int, blocks: int) -> None:
        """`blocks` residual blocks of `width` channels at half resolution."""
        super().__init__()
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, width, 3, padding=1))
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, 12, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Estimate the noise in `x`."""
        out: Tensor = self.shuffle(self.leave(self.body(self.enter(x - 0.5))))
        return out


class Denoised(nn.Module):
    """x − noise(x): a denoiser baked at one slider position."""

    def __init__(self, noise: NoiseEstimate) -> None:
        """`noise` already carries the fade."""
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> same shape."""
        out: Tensor = x - self.noise(x)
        return out


class Denoiser(Network):
    """Denoiser with two sliders: λ = (noise, detail).

    noise   σ of the noise to remove, in 8-bit levels, 0–75; 0 is the identity, exactly
    detail  0 (least absolute error) to 1 (keeps texture)

    The kernels are affine in (√(σ/75), detail): the root gives low noise levels, between which a
    denoiser's kernels change most, their share of the travel. The correction is multiplied by
    tanh(σ/4) and, below σ 5, by a smooth step from 0 to 1: so the way to the identity has no jump,
    also on a picture with much more noise than the slider says.
    """

    multiple = 2

    def __init__(self, width: int = 64, blocks: int = 5, reach: float = 1.0) -> None:
        """`blocks` residual blocks of `width` channels at half resolution.

        `reach` is where on the trained way from smooth to crisp the slider's detail 1 lies: less
        than 1 where the perceptual loss stops falling before the end.
        """
        super().__init__()
        self.reach = reach
        self.noise = convert(NoiseEstimate(width, blocks), controls=2)
        self.receptive_radius = 2 * (2 * blocks + 2) + 1  # 3×3 layers on 2×2 pixels

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W), even sides, 0..1 sRGB-encoded; `lam` (N, 2) or (1, 2)."""
        noise: Tensor = self.noise(x, self._coordinates(lam))
        return x - _fade(lam)[:, None, None, None] * noise

    def bake(self, lam: Tensor) -> nn.Module:
        """The plain network at `lam` (2,); the fade is folded into the last layer."""
        plain = self.noise.bake(self._coordinates(lam[None])[0])
        assert isinstance(plain, NoiseEstimate)
        fade = _fade(lam[None]).item()
        with torch.no_grad():
            plain.leave.weight *= fade
            if plain.leave.bias is not None:
                plain.leave.bias *= fade
        return Denoised(plain)

    def _coordinates(self, lam: Tensor) -> Tensor:
        return torch.stack((torch.sqrt(lam[:, 0] / MAX_NOISE), self.reach * lam[:, 1]), dim=1)


def _fade(lam: Tensor) -> Tensor:
    sigma = lam[:, 0]
    toe = (sigma / TOE).clamp(0, 1)
    return torch.tanh(sigma / FADE_NOISE) * toe * toe * (3 - 2 * toe)
