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
    architecture = "denoiser"
    controls = ("noise", "detail")
    probes: ClassVar = {f"{sigma:g}": (sigma,) for sigma in (15.0, 25.0, 50.0)}
    series: ClassVar = {"sigma": {sigma: (sigma,) for sigma in (5, 15, 25, 35, 50, 75)}}
    middle = (25,)
    offsets = (-10, -5, 0, 5, 10)
    captions: ClassVar = {
        "sigma": "Known noise of σ = position, `detail` 0; PSNR in dB, `noisy` is the input's.",
        "detail": "`detail` = position, noise σ 25; fidelity is L1, perception is LPIPS (squeeze).",
        "noise": "`noise` = position on pictures of σ 25; roughness is total variation per value.",
        "offset": "`noise` set wrong by position on pictures of σ 25; PSNR in dB.",
    }

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """σ, even over the range."""
        return torch.rand(count, 1, generator=generator) * self.max_noise

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """Noise is added, and not clipped."""
        return add_gaussian_noise(clean, faults[:, 0], generator)

    def level(self, faults: Tensor) -> Tensor:
        """(σ + 2)^−0.56."""
        return (faults[:, 0] + 2.0) ** -self.level_exponent
