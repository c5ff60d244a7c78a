"""Samplers: how λ is drawn for every sample of a batch. What is never drawn is never learned."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

Sampler = Callable[[int, int, Generator], Tensor]


def uniform(count: int, controls: int, generator: Generator) -> Tensor:
    """(count, controls), each value in 0..1 by itself."""
    return torch.rand(count, controls, generator=generator)


def corners(count: int, controls: int, generator: Generator, share: float = 0.5) -> Tensor:
    """(count, controls) in 0..1; a `share` of the samples lies at corners, all values 0 or 1.

    The ends of a slider are where people look first, and a uniform draw never quite gets there.
    """
    lam = torch.rand(count, controls, generator=generator)
    at_corner = torch.rand(count, 1, generator=generator) < share
    return torch.where(at_corner, lam.round(), lam)


def simplex(count: int, controls: int, generator: Generator) -> Tensor:
    """(count, controls), not negative, each row summing to 1, evenly over the simplex.

    For sliders that mix (styles, losses with Σ p = 1: Maggioni et al., CVPR 2023).
    """
    # Exponential draws over their sum: the flat Dirichlet distribution. 1 − u keeps log from 0.
    lengths = -torch.log1p(-torch.rand(count, controls, generator=generator))
    return lengths / lengths.sum(1, keepdim=True).clamp_min(1e-12)


def log_uniform(
    count: int, controls: int, generator: Generator, low: float = 0.01, high: float = 1.0
) -> Tensor:
    """(count, controls) in low..high, evenly over the decades (You Only Train Once, ICLR 2020).

    Raises ValueError unless 0 < low < high.
    """
    if not 0 < low < high:
        raise ValueError(f"log_uniform needs 0 < low < high; got {low} and {high}")
    decades = torch.rand(count, controls, generator=generator)
    return low * (high / low) ** decades
