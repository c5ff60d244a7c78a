"""Denoise: white noise."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from ..degradations import add_gaussian_noise
from .restoration import Restoration


class DenoiseTask(Restoration):
    """White noise of σ 0–75; λ = (noise σ in 8-bit levels, detail).

    The level's exponent is the slope of a denoiser's error along σ (FFDNet's CBSD68 results from
    σ 15 to 75).
    """

    max_noise = 75.0
    level_exponent = 0.56
    probes: ClassVar = {f"{sigma:g}": (sigma,) for sigma in (15.0, 25.0, 50.0)}

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """σ, even over the range."""
        return torch.rand(count, 1, generator=generator) * self.max_noise

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """Noise is added, and not clipped."""
        return add_gaussian_noise(clean, faults[:, 0], generator)

    def level(self, faults: Tensor) -> Tensor:
        """(σ + 2)^−0.56."""
        return (faults[:, 0] + 2.0) ** -self.level_exponent
