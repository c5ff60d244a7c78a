"""Deblurrer: lens and motion blur of known shape goes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .restorer import Restorer, smooth_step

MAX_RADIUS = 3.0  # Gaussian σ in px
MAX_MOTION = 15.0  # px
FADE = 0.4  # px of blur over which the correction grows to its full size


class Deblurrer(Restorer):
    """Deblurrer with four sliders: λ = (radius, motion, angle, detail).

    radius  of the lens blur, a Gaussian's σ in px, 0–3
    motion  length of a straight, even motion in px, 0–15; with radius 0 too: the identity, exactly
    angle   of that motion in degrees, against the x axis towards the upper edge; 180 is 0 again
    detail  0 (least absolute error) to 1 (keeps texture); moves the last blocks only

    The kernels are affine in (radius / 3, m, m cos 2θ, m sin 2θ, detail) with m = motion / 15: a
    motion and its reverse are the same, and without motion the angle does nothing.
    Beyond what was trained, radius and motion stay as at their ends.
    """

    axes = 5
    limit = 1.0  # a picture that was not blurred asks for corrections beyond all bounds

    def coordinates(self, lam: Tensor) -> Tensor:
        """See the class."""
        radius, motion, angle, detail = lam.tensor_split(4, dim=1)
        radius, motion = radius.clamp_max(MAX_RADIUS), motion.clamp_max(MAX_MOTION)
        m, twice = motion / MAX_MOTION, angle * (math.pi / 90)
        return torch.cat(
            (radius / MAX_RADIUS, m, m * torch.cos(twice), m * torch.sin(twice), detail), dim=1
        )

    def fade(self, lam: Tensor) -> Tensor:
        """0 without any blur, 1 from 0.4 px on (a motion's σ is its length / √12)."""
        return smooth_step(torch.hypot(lam[:, :1], lam[:, 1:2] / math.sqrt(12)) / FADE)
