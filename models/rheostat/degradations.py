"""What the networks learn to undo."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 255.0  # 8-bit levels in the unit range


def add_gaussian_noise(clean: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """`clean` (N, C, H, W) in 0..1 plus white noise of `sigma` (N,) 8-bit levels; not clipped."""
    noise = torch.randn(clean.shape, generator=generator, device=generator.device)
    return clean + noise.to(clean) * (sigma.to(clean) / LEVELS)[:, None, None, None]
