"""Dejpeg: what JPEG compression left behind."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from ..degradations import compress
from ..nets.deblocker import quantisation_scale
from .restoration import Restoration


class DejpegTask(Restoration):
    """JPEG of quality 10–95, colour at half size three times in four; λ = (quality, detail).

    Drawn evenly over the root of libjpeg's quantisation scale, in which the network's kernels are
    affine too. The level follows the error, which grows about as that root; measured on training
    photographs: 1.5 levels of mean absolute error at quality 95 and 7.5 at 10.
    """

    margin = 8  # one block: the grid's phase in the patch is drawn
    lowest, highest = 10.0, 95.0
    coarse_colour = 0.75  # share of samples with 4:2:0
    architecture = "deblocker"
    controls = ("quality", "detail")
    probes: ClassVar = {f"{quality:g}": (quality,) for quality in (10.0, 20.0, 40.0)}
    series: ClassVar = {"jpeg": {quality: (quality,) for quality in (10, 20, 40, 60, 80, 90)}}
    middle = (20,)
    offsets = (-10, -5, 0, 5, 10, 20)
    captions: ClassVar = {
        "jpeg": "JPEG of quality = position (libjpeg, 4:2:0), `detail` 0; PSNR over RGB in dB, "
        "`noisy` is the JPEG's.",
        "detail": "`detail` = position, JPEG quality 20; fidelity is L1, perception is LPIPS "
        "(squeeze).",
        "quality": "`quality` = position on JPEG of quality 20; roughness is total variation per "
        "value.",
        "offset": "`quality` set wrong by position on JPEG of quality 20; PSNR in dB.",
    }

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """Whole qualities, even over the root of the scale."""
        high, low = (quantisation_scale(q).sqrt() for q in (self.lowest, self.highest))
        scale = (low + (high - low) * torch.rand(count, 1, generator=generator)) ** 2
        quality = torch.where(scale > 1, 50 / scale, 100 - 50 * scale)
        return quality.round()

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """Compressed by libjpeg, the corner of its grid somewhere above and left of the patch."""
        coarse = torch.rand(len(clean), generator=generator) < self.coarse_colour
        corners = torch.randint(self.margin, (len(clean), 2), generator=generator)
        result = clean.clone()
        for one, quality, half, (y, x) in zip(
            result, faults[:, 0].tolist(), coarse.tolist(), corners.tolist(), strict=True
        ):
            one[:, y:, x:] = compress(one[:, y:, x:], round(quality), "4:2:0" if half else "4:4:4")
        return result

    def spoil(self, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """As files are: the grid begins at the corner, colour has half the size."""
        del seed
        return torch.stack([compress(one, round(fault[0]), "4:2:0") for one in clean])

    def level(self, faults: Tensor) -> Tensor:
        """1 / (root of the scale + 0.15)."""
        return 1 / (quantisation_scale(faults[:, 0]).sqrt() + 0.15)
