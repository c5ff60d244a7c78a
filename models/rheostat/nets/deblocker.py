"""Deblocker: what JPEG compression of known quality left behind goes."""

from __future__ import annotations

import torch
from torch import Tensor

from .restorer import Restorer, smooth_step

LOWEST = 10.0  # JPEG quality
FADE = 5.0  # steps of quality, below 100, over which the correction grows to its full size


class Deblocker(Restorer):
    """Deblocker with two sliders: λ = (quality, detail).

    quality  of the JPEG compression to undo, 10–100 as libjpeg counts; 100 is the identity, exactly
    detail   0 (least absolute error) to 1 (keeps texture); moves the last blocks only

    The kernels are affine in (√(scale / 5), detail), where scale is what libjpeg multiplies its
    quantisation tables by at that quality: 5 at 10, 1 at 50, 0 at 100. The error of a compressed
    picture grows about as the root. Below 10, where nothing was trained, it stays as at 10.
    """

    axes = 2

    def coordinates(self, lam: Tensor) -> Tensor:
        """(√(scale / 5), detail)."""
        scale = quantisation_scale(lam[:, :1].clamp_min(LOWEST))
        return torch.cat((torch.sqrt(scale / quantisation_scale(LOWEST)), lam[:, 1:]), dim=1)

    def fade(self, lam: Tensor) -> Tensor:
        """0 at quality 100, 1 from 95 on."""
        return smooth_step((100 - lam[:, :1]) / FADE)


def quantisation_scale(quality: Tensor | float) -> Tensor:
    """What libjpeg multiplies its standard quantisation tables by: 50 / quality, above 50 less."""
    q = torch.as_tensor(quality).clamp(1, 100)
    return torch.where(q < 50, 50 / q, 2 - q / 50)
