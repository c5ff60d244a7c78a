"""Tasks: which λ are drawn, what is done to a clean picture, and what is asked of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from .degradations import add_gaussian_noise
from .losses import MultiLoss
from .perception import LPIPS


@dataclass(frozen=True)
class Batch:
    """Training samples: `input` and `target` (N, 3, H, W) in 0..1, `lam` (N, P).

    `phase` is a shift by 0 or 1 pixel each way for losses that see the picture on a grid of two.
    """

    input: Tensor
    target: Tensor
    lam: Tensor
    phase: tuple[int, int] = (0, 0)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return replace(
            self,
            input=self.input.to(device),
            target=self.target.to(device),
            lam=self.lam.to(device),
        )


class DenoiseTask(nn.Module):
    """White noise of σ 0–75; λ = (noise σ in 8-bit levels, detail 0–1).

    L(λ) = ((1 − 0.6 detail) · L1 + detail · LPIPS) / (σ + 2)^0.56, each term over its running
    average. The exponent is the slope of a denoiser's error along σ (FFDNet's CBSD68 results from
    σ 15 to 75), so every noise level counts alike. Part of L1 stays at full detail: the gradient
    of LPIPS alone is so rough that both losses end higher. LPIPS sees the picture at a random
    phase: its backbone and the network both work on a grid of two pixels, and a fixed phase would
    let the pattern of the one hide in the other.
    """

    max_noise = 75.0
    level_exponent = 0.56
    fidelity_floor = 0.4

    def __init__(self, backbones: Path) -> None:
        """Load the perceptual loss from the folder `backbones`."""
        super().__init__()
        self.multi_loss = MultiLoss(("fidelity", "perception"))
        self.lpips = LPIPS(backbones)

    def draw(self, clean: Tensor, detailed: float, generator: torch.Generator) -> Batch:
        """Noisy samples of `clean` (N, 3, H, W), λ drawn for each.

        `detailed` is the share of samples with detail > 0; about half of those are at 1.
        """
        count = clean.shape[0]
        sigma = torch.rand(count, generator=generator) * self.max_noise
        detail = torch.rand(count, generator=generator)
        detail[torch.rand(count, generator=generator) < 0.5] = 1.0
        detail[round(count * detailed) :] = 0.0  # a fixed number keeps the step time even
        noisy = add_gaussian_noise(clean, sigma, generator)
        down, right = torch.randint(2, (2,), generator=generator).tolist()
        return Batch(noisy, clean, torch.stack((sigma, detail), dim=1), (down, right))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The scalar multi-loss of `output` (N, 3, H, W)."""
        sigma, detail = batch.lam.unbind(dim=1)
        fidelity = (output - batch.target).abs().mean((1, 2, 3))
        perception = torch.zeros_like(fidelity)
        wanted = detail > 0
        if bool(wanted.any()):
            down, right = batch.phase
            distance = self.lpips(
                output[wanted, :, down:, right:], batch.target[wanted, :, down:, right:]
            )
            perception = perception.index_put((wanted,), distance.to(fidelity))
        level = (sigma + 2.0) ** -self.level_exponent
        total: Tensor = self.multi_loss(
            {"fidelity": fidelity * level, "perception": perception * level},
            {"fidelity": 1 - (1 - self.fidelity_floor) * detail, "perception": detail},
        )
        return total
