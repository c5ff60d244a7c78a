"""Denoise: white noise, and what cameras make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from rheostat_client.controls import Control
from torch import Generator, Tensor

from ..degradations import add_camera_noise, add_gaussian_noise, compress
from ..losses import l1
from ..scores import TRAVEL, Render, Scores
from .restoration import Restoration


class DenoiseTask(Restoration):
    """White noise of σ 0–75; λ = (noise σ in 8-bit levels, detail).

    The level's exponent is the slope of a denoiser's error along σ (FFDNet's CBSD68 results from
    σ 15 to 75).
    """

    max_noise = 75.0
    level_exponent = 0.56
    architecture = "denoiser"
    controls: ClassVar[tuple[str, ...]] = ("noise", "detail")
    probes: ClassVar = {f"{sigma:g}": (sigma,) for sigma in (15.0, 25.0, 50.0)}
    series: ClassVar = {"sigma": {sigma: (sigma,) for sigma in (5, 15, 25, 35, 50, 75)}}
    middle: ClassVar[tuple[float, ...]] = (25,)
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


class CameraTask(DenoiseTask):
    """Denoise with another slider for the kind of noise: λ = (noise σ, camera 0–1, detail).

    `camera` is the share of the variance that is a camera's: signal-dependent with any share of it
    from light, half of the samples interpolated from a mosaic. As many are saved as JPEG of quality
    80–97 as half of `camera` says. A third of the samples is white, another all a camera's. λ is
    the σ over all samples, as if they were one picture: its dark parts have more noise than that.
    """

    margin = 8  # one block: the grid's phase in the patch is drawn
    worst, best = 80, 97
    coarse_colour = 0.75  # share of JPEGs with 4:2:0
    architecture = "camera-denoiser"
    controls = ("noise", "camera", "detail")
    probes: ClassVar = {
        "15": (15.0, 0.0),
        "camera_15": (15.0, 1.0),
        "25": (25.0, 0.0),
        "camera_25": (25.0, 1.0),
        "50": (50.0, 0.0),
    }
    series: ClassVar = {
        "sigma": {sigma: (sigma, 0) for sigma in (5, 15, 25, 35, 50, 75)},
        "camera_sigma": {sigma: (sigma, 1) for sigma in (5, 15, 25, 50)},
    }
    middle = (25, 0)
    captions: ClassVar = {
        **DenoiseTask.captions,
        "camera_sigma": "The same for a camera's noise, `camera` 1: seven tenths of its variance "
        "from light, one colour for each pixel, saved as JPEG of quality 92.",
        "camera": "`camera` = position on that noise of σ 25, `detail` 0; error is L1.",
    }

    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """σ and `camera`, even over their ranges but for the ends of `camera`."""
        camera = torch.rand(count, 1, generator=generator)
        return torch.cat((super().draw_faults(count, generator), (3 * camera - 1).clamp(0, 1)), 1)

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """White and a camera's noise, perhaps saved as JPEG; otherwise not clipped."""
        count = len(clean)
        shot = torch.rand(count, generator=generator)
        mosaic = torch.rand(count, generator=generator) < 0.5
        noisy = _mixed(clean, faults, shot, mosaic, generator, together=True)
        saved = torch.rand(count, generator=generator) < faults[:, 1] / 2
        quality = torch.randint(self.worst, self.best + 1, (count,), generator=generator)
        coarse = torch.rand(count, generator=generator) < self.coarse_colour
        corners = torch.randint(self.margin, (count, 2), generator=generator)
        for i in saved.nonzero()[:, 0].tolist():
            y, x = corners[i].tolist()
            subsampling = "4:2:0" if coarse[i] else "4:4:4"
            noisy[i, :, y:, x:] = compress(noisy[i, :, y:, x:], int(quality[i]), subsampling)
        return noisy

    def spoil(self, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """As the captions say."""
        faults = torch.tensor([fault], dtype=torch.float32)
        generator = torch.Generator().manual_seed(seed)
        if fault[1] == 0:
            return add_gaussian_noise(clean, faults[:, 0], generator)
        noisy = _mixed(clean, faults, torch.tensor([0.7]), torch.tensor([True]), generator)
        return compress(noisy[0], 92, "4:2:0")[None]

    def measure(
        self,
        render: Render,
        clean: Tensor,
        index: int,
        controls: Sequence[Control],
        scores: Scores,
    ) -> None:
        """And a sweep of `camera` on a camera's noise."""
        super().measure(render, clean, index, controls, scores)
        noisy = self.spoil(clean, (25.0, 1.0), index)
        for position in TRAVEL:
            error = l1(render(noisy, (25.0, position, 0.0)).clamp(0, 1), clean)
            scores.add("camera", position, error=error[0])


def _mixed(
    clean: Tensor,
    faults: Tensor,
    shot: Tensor,
    mosaic: Tensor,
    generator: Generator,
    *,
    together: bool = False,
) -> Tensor:
    """`clean` with noise of σ, of whose variance a share is a camera's: `faults` (N, 2) = those."""
    sigma, share = faults[:, 0], faults[:, 1]
    noisy = add_camera_noise(
        clean, sigma * share.sqrt(), shot, mosaic, generator, together=together
    )
    return add_gaussian_noise(noisy, sigma * (1 - share).sqrt(), generator)
