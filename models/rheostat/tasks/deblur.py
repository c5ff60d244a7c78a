"""Deblur: lens and motion blur of known shape, with a little noise."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ..degradations import REACH, add_gaussian_noise, blur
from ..nets.deblurrer import MAX_MOTION, MAX_RADIUS
from .restoration import Restoration


class DeblurTask(Restoration):
    """λ = (radius: Gaussian σ in px, motion: length in px, angle: degrees, detail).

    Up to ten levels of noise come on top, most often about two. A third of the samples has lens
    blur alone, a third motion alone, a third both.
    """

    margin = REACH
    max_noise = 10.0
    probes: ClassVar = {
        "radius_1": (1.0, 0.0, 0.0),
        "radius_1.5": (1.5, 0.0, 0.0),
        "radius_2.5": (2.5, 0.0, 0.0),
        "motion_8": (0.0, 8.0, 30.0),
    }

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """Each even over its range; see the class for how often it is 0."""
        radius, motion, angle, kind = torch.rand(4, count, generator=generator)
        radius, motion = radius * MAX_RADIUS, motion * MAX_MOTION
        radius = torch.where(kind < 1 / 3, torch.zeros(()), radius)
        motion = torch.where(kind > 2 / 3, torch.zeros(()), motion)
        return torch.stack((radius, motion, angle * 180), dim=1)

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """Blurred, then noise; not clipped."""
        sigma = self.max_noise * torch.rand(len(clean), generator=generator) ** 2
        return add_gaussian_noise(blur(clean, faults), sigma, generator)

    def level(self, faults: Tensor) -> Tensor:
        """1 / (0.4 + size of the blur)^0.6."""
        size = torch.hypot(faults[:, 0], faults[:, 1] / math.sqrt(12))
        return (0.4 + size) ** -0.6
