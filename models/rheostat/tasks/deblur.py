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
    architecture = "deblurrer"
    controls = ("radius", "motion", "angle", "detail")
    measured_noise = 2.0
    probes: ClassVar = {
        "radius_1": (1.0, 0.0, 0.0),
        "radius_1.5": (1.5, 0.0, 0.0),
        "radius_2.5": (2.5, 0.0, 0.0),
        "motion_8": (0.0, 8.0, 30.0),
    }
    series: ClassVar = {
        "lens": {radius: (radius, 0, 0) for radius in (0.5, 1, 1.5, 2, 3)},
        "shake": {motion: (0, motion, 30) for motion in (3, 6, 10, 15)},
    }
    middle = (1.5, 0, 0)
    offsets = (-0.5, -0.25, 0, 0.25, 0.5)
    captions: ClassVar = {
        "lens": "Lens blur of radius = position and noise of σ 2, `detail` 0; PSNR in dB, `noisy` "
        "is the input's.",
        "shake": "Motion of length = position at 30° and noise of σ 2, `detail` 0; PSNR in dB, "
        "`noisy` is the input's.",
        "detail": "`detail` = position, lens blur of radius 1.5, noise σ 2; fidelity is L1, "
        "perception is LPIPS (squeeze).",
        "radius": "`radius` = position on lens blur of radius 1.5, noise σ 2; roughness is total "
        "variation per value.",
        "offset": "`radius` set wrong by position on lens blur of radius 1.5; PSNR in dB.",
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

    def spoil(self, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """With noise of σ 2."""
        noise = torch.tensor([self.measured_noise])
        blurred = blur(clean, torch.tensor([fault], dtype=torch.float32))
        return add_gaussian_noise(blurred, noise, torch.Generator().manual_seed(seed))

    def level(self, faults: Tensor) -> Tensor:
        """1 / (0.4 + size of the blur)^0.6."""
        size = torch.hypot(faults[:, 0], faults[:, 1] / math.sqrt(12))
        return (0.4 + size) ** -0.6
