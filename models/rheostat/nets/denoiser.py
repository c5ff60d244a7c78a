"""Denoisers: noise of known strength goes, white or of a camera."""

from __future__ import annotations

import torch
from torch import Tensor

from .restorer import Restorer, smooth_step

MAX_NOISE = 75.0  # σ in 8-bit levels
FADE_NOISE = 4.0  # σ over which the correction grows to its full size
TOE = 5.0  # σ below which it is held back further


class Denoiser(Restorer):
    """Denoiser with two sliders: λ = (noise, detail).

    noise   σ of the noise to remove, in 8-bit levels, 0–75; 0 is the identity, exactly
    detail  0 (least absolute error) to 1 (keeps texture); moves the last blocks only

    The kernels are affine in (√(σ/75), detail): the root gives low noise levels, between which a
    denoiser's kernels change most, their share of the travel. The correction is multiplied by
    tanh(σ/4) and, below σ 5, by a smooth step from 0 to 1: so the way to the identity has no jump,
    also on a picture with much more noise than the slider says.
    """

    axes = 2

    def coordinates(self, lam: Tensor) -> Tensor:
        """(√(σ/75), detail)."""
        return torch.cat((torch.sqrt(lam[:, :1] / MAX_NOISE), lam[:, 1:]), dim=1)

    def fade(self, lam: Tensor) -> Tensor:
        """0 at σ 0, almost 1 from σ 8 on."""
        sigma = lam[:, :1]
        return torch.tanh(sigma / FADE_NOISE) * smooth_step(sigma / TOE)


class CameraDenoiser(Denoiser):
    """Denoiser with three sliders: λ = (noise, camera, detail).

    camera  what kind of noise: 0 is white, 1 a camera's, coarse and coloured, and between them the
            share of its variance that is a camera's

    The kernels are affine in (√(σ/75), camera, camera · √(σ/75), detail): at camera 0 it is the
    Denoiser of the same weights.
    """

    axes = 4

    def coordinates(self, lam: Tensor) -> Tensor:
        """See the class."""
        root, camera = torch.sqrt(lam[:, :1] / MAX_NOISE), lam[:, 1:2]
        return torch.cat((root, camera, camera * root, lam[:, 2:]), dim=1)
