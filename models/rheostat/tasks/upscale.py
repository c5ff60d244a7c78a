"""Upscale: small pictures, with and without noise, become large ones."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..data import LUMA
from ..degradations import add_gaussian_noise, shrink
from ..nets.upscaler import MAX_NOISE
from .restoration import Restoration


class UpscaleTask(Restoration):
    """Pictures shrunk by the cubic filter, then noise of σ 0–50; λ = (noise, detail).

    Half of the samples have no noise: that is what most pictures to be enlarged are like.
    The level follows the error, which without noise is already that of about ten levels.
    """

    architecture = "upscaler"
    controls = ("noise", "detail")
    probes: ClassVar = {"clean": (0.0,), "noise_10": (10.0,), "noise_25": (25.0,)}
    series: ClassVar = {"sigma": {sigma: (sigma,) for sigma in (0, 5, 10, 25, 50)}}
    middle = (0,)
    offsets = (0, 5, 10, 20)
    captions: ClassVar = {
        "sigma": "Small pictures with known noise of σ = position, `detail` 0; PSNR in dB of the "
        "luma Y without a border of one small pixel, `noisy` is that of cubic interpolation.",
        "detail": "`detail` = position, no noise; fidelity is L1, perception is LPIPS (squeeze), "
        "PSNR that of Y.",
        "noise": "`noise` = position on pictures without noise; roughness is total variation per "
        "value.",
        "offset": "`noise` set too high by position on pictures without noise; PSNR of Y in dB.",
    }

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """σ, 0 for half of the samples and even over the range for the others."""
        sigma = torch.rand(count, 1, generator=generator) * MAX_NOISE
        return torch.where(torch.rand(count, 1, generator=generator) < 0.5, 0.0, sigma)

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """Shrunk, rounded to 8 bits as small pictures are, and noisy; noise is not clipped."""
        return add_gaussian_noise(shrink(clean, self.scale), faults[:, 0], generator)

    def level(self, faults: Tensor) -> Tensor:
        """(σ + 10)^−0.56."""
        return (faults[:, 0] + 10.0) ** -0.56

    def untouched(self, spoilt: Tensor) -> Tensor:
        """Cubic interpolation with a = −0.75, where the field's tables, and `shrink`, have −0.5."""
        return F.interpolate(spoilt, scale_factor=self.scale, mode="bicubic").clamp(0, 1)

    def judged(self, picture: Tensor) -> Tensor:
        """Luma Y of BT.601 as 8-bit video has it, without a border of `scale` pixels."""
        weights = picture.new_tensor(LUMA) * (219 / 255)
        luma = (picture * weights[:, None, None]).sum(1, keepdim=True) + 16 / 255
        return luma[:, :, self.scale : -self.scale, self.scale : -self.scale]


class DoubleTask(UpscaleTask):
    """Twice as large."""

    scale = 2


class QuadrupleTask(UpscaleTask):
    """Four times as large."""

    scale = 4
