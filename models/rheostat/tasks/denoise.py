"""Denoise: white noise, and what cameras make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ..degradations import add_camera_noise, add_gaussian_noise, compress
from ..nets import Network
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
    series: ClassVar = {
        "sigma": {sigma: (sigma,) for sigma in (5, 15, 25, 35, 50, 75)},
        "camera": {sigma: (sigma,) for sigma in (5, 15, 25, 50)},
    }
    middle = (25,)
    offsets = (-10, -5, 0, 5, 10)
    captions: ClassVar = {
        "sigma": "Known noise of σ = position, `detail` 0; PSNR in dB, `noisy` is the input's.",
        "camera": "The same for a camera's noise: seven tenths of its variance from light, one "
        "colour for each pixel, saved as JPEG of quality 92.",
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

    def exhibit(self, series: str, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """White noise, or a camera's."""
        if series != "camera":
            return self.spoil(clean, fault, seed)
        shot, mosaic = torch.tensor([0.7]), torch.tensor([True])
        generator = torch.Generator().manual_seed(seed)
        noisy = add_camera_noise(clean, torch.tensor(fault), shot, mosaic, generator)
        return compress(noisy[0], 92, "4:2:0")[None]

    def level(self, faults: Tensor) -> Tensor:
        """(σ + 2)^−0.56."""
        return (faults[:, 0] + 2.0) ** -self.level_exponent


class CameraTask(DenoiseTask):
    """Denoise, for pictures out of cameras: half of the samples have their kind of noise.

    Signal-dependent with any share of it from light, half of them interpolated from a mosaic, half
    saved as JPEG of quality 80–97. λ stays the σ that was added.
    """

    margin = 8  # one block: the grid's phase in the patch is drawn
    camera = 0.5  # share of samples
    worst, best = 80, 97
    coarse_colour = 0.75  # share of JPEGs with 4:2:0

    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """A camera's noise in the first samples, white noise in the others; not clipped."""
        count = round(self.camera * len(clean))
        sigma = faults[:, 0]
        shot = torch.rand(count, generator=generator)
        mosaic = torch.rand(count, generator=generator) < 0.5
        seen = add_camera_noise(clean[:count], sigma[:count], shot, mosaic, generator)
        saved = torch.rand(count, generator=generator) < 0.5
        quality = torch.randint(self.worst, self.best + 1, (count,), generator=generator)
        coarse = torch.rand(count, generator=generator) < self.coarse_colour
        corners = torch.randint(self.margin, (count, 2), generator=generator)
        for i in saved.nonzero()[:, 0].tolist():
            y, x = corners[i].tolist()
            subsampling = "4:2:0" if coarse[i] else "4:4:4"
            seen[i, :, y:, x:] = compress(seen[i, :, y:, x:], int(quality[i]), subsampling)
        white = add_gaussian_noise(clean[count:], sigma[count:], generator)
        return torch.cat((seen, white))

    def spoil(self, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """White noise: what is to stay as good as it was."""
        generator = torch.Generator().manual_seed(seed)
        return add_gaussian_noise(clean, torch.tensor(fault), generator)

    def validate(self, network: Network, pictures: Sequence[Tensor]) -> dict[str, float]:
        """As Restoration, and PSNR (dB) at the camera's σ 15 and 25."""
        scores = super().validate(network, pictures)
        for sigma in (15.0, 25.0):
            found = []
            for index, clean in enumerate(pictures):
                seen = self.exhibit("camera", clean.cpu(), (sigma,), index).to(clean)
                lam = torch.tensor([[sigma, 0.0]], device=clean.device)
                found.append(float(self._psnr(network(seen, lam).clamp(0, 1), clean)))
            scores[f"psnr_camera_{sigma:g}"] = sum(found) / len(found)
        return scores
