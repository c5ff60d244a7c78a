"""Compression: the quality of the JPEG file a picture once was, from its pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .data import LEVELS, LUMA

BLOCK = 8  # pixels on a side
LARGEST = 1100  # of a coefficient's absolute value, in 8-bit levels
BINS = 4  # for each level
STEPS = 160  # largest step of quantisation told from others
ROUNDING = 0.4  # σ that rounding to whole levels gives a coefficient
FAR = 8.0  # from 0, in the unit range: what lies further out says nothing
STRAY = 0.05  # share of coefficients that lie anywhere, as where the picture was cut off at white
FLAT = 1.25  # coefficients below say nothing: 0 is a multiple of every step
SURE = 20.0  # natural logarithm of the odds that a picture was quantised at all
STANDARD = 0.5  # share of all evidence that a table of libjpeg must explain
# Table K.1 of the JPEG standard: steps of luma at quality 50.
BASE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def quality(parts: Sequence[Tensor]) -> float:
    """Quality 1–100 by libjpeg's scale; 100 if the pixels show no compression.

    In a JPEG every coefficient of a block's cosine transform was a multiple of its step. For each
    frequency and each step we ask how much likelier that makes what we see than no step at all, and
    take the quality whose table of steps is likeliest. The grid may begin anywhere.
    """
    planes = [LEVELS * luma(part) for part in parts]
    best, found = SURE, 100.0
    for corner in dict.fromkeys(((0, 0), _corner(planes))):
        odds = _odds(_coefficients(planes, corner))
        evidence, value = _likeliest(odds)
        if evidence > best:
            best, found = evidence, value
    return found


def luma(part: Tensor) -> Tensor:
    """(H, W) of `part` (3, H, W); what is no number is black, and nothing is out of all bounds."""
    bounded = part.nan_to_num().clamp(-FAR, FAR)
    return (torch.tensor(LUMA)[:, None, None] * bounded).sum(0)


def _tables() -> Tensor:
    """libjpeg's steps of luma: (100, 64), of quality 1 to 100."""
    scales = torch.tensor([5000 // q if q < 50 else 200 - 2 * q for q in range(1, 101)])
    base = torch.tensor(BASE).flatten()
    return ((base * scales[:, None] + 50) // 100).clamp(1, 255).float()


def _likeliest(odds: Tensor) -> tuple[float, float]:
    """(evidence, quality) of `odds` (64, STEPS)."""
    steps = _tables()
    index = steps.clamp(max=STEPS).long() - 1
    by_quality = odds.gather(1, index.T).sum(0)
    evidence, at = by_quality.max(0)
    alone, step = odds.max(1)
    if float(evidence) >= STANDARD * float(alone.sum()):
        return float(evidence), float(at + 1)
    # A table of another make: the quality that is as coarse at the frequencies we are sure of.
    ratios = (torch.log(step + 1.0) - steps.log()).abs()
    return float(alone.sum()), float(1 + (ratios * alone).sum(1).argmin())


def _odds(coefficients: Tensor) -> Tensor:
    """(64, STEPS): ln of how much likelier `coefficients` (N, 64) are with a step than without."""
    bins = (coefficients.abs() * BINS).round().long().clamp(max=LARGEST * BINS)
    counts = torch.zeros(BLOCK**2, LARGEST * BINS + 1)
    counts.scatter_add_(1, bins.T, torch.ones_like(bins.T, dtype=torch.float32))
    counts[:, : math.ceil(FLAT * BINS)] = 0
    return counts @ _log_ratios()


def _log_ratios() -> Tensor:
    """(LARGEST · BINS + 1, STEPS): ln p(value | step) / p(value), for values between no steps."""
    value = torch.arange(LARGEST * BINS + 1)[:, None] / BINS
    step = torch.arange(1, STEPS + 1)
    off = value - step * torch.round(value / step)
    density = torch.zeros(())
    for turn in (-2, -1, 0, 1, 2):  # a small step's neighbours are near
        density = density + torch.exp(-((off + turn * step) ** 2) / (2 * ROUNDING**2))
    ratio = step * density / (ROUNDING * (2 * math.pi) ** 0.5)
    logarithm: Tensor = torch.log((1 - STRAY) * ratio + STRAY)
    return logarithm


def _coefficients(planes: Sequence[Tensor], corner: tuple[int, int]) -> Tensor:
    """Cosine transforms (N, 64) of all whole blocks of the grid that begins at `corner` (y, x)."""
    cosines = _cosines()
    blocks = torch.cat([torch.empty(0, BLOCK, BLOCK), *_blocks(planes, corner)])
    return (cosines @ (blocks - 128) @ cosines.T).flatten(1)


def _blocks(planes: Sequence[Tensor], corner: tuple[int, int]) -> Iterator[Tensor]:
    for plane in planes:
        inner = plane[corner[0] :, corner[1] :]
        if min(inner.shape) >= BLOCK:
            yield inner.unfold(0, BLOCK, BLOCK).unfold(1, BLOCK, BLOCK).flatten(0, 1)


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values, as a matrix."""
    n = torch.arange(BLOCK)
    matrix: Tensor = torch.cos(math.pi / BLOCK * (n + 0.5) * n[:, None]) * (2 / BLOCK) ** 0.5
    matrix[0] /= 2**0.5
    return matrix


def _corner(planes: Sequence[Tensor]) -> tuple[int, int]:
    """(y, x) where the grid begins, if there is one: where neighbours differ most."""
    return _phase([plane.T for plane in planes]), _phase(planes)


def _phase(planes: Sequence[Tensor]) -> int:
    """0–7: the columns after which the second difference is largest, as at the edge of blocks."""
    sums = torch.zeros(BLOCK)
    for plane in planes:
        if plane.shape[1] < 2 * BLOCK:
            continue
        step = plane.diff(dim=1)
        jump = (step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2).abs().mean(0)
        # jump[i] is between columns i + 1 and i + 2
        sums.scatter_add_(0, (torch.arange(len(jump)) + 2) % BLOCK, jump / jump.numel())
    return int(sums.argmax())
