"""Estimators: what a control should be for a picture, read off its pixels.

A control names one by its `auto`; there are no others than those in `ESTIMATORS`. Each takes parts
of one picture, (3, H, W) each, sRGB-encoded in 0..1, whose corners lie on multiples of 8 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from rheostat_client.errors import RheostatError
from torch import Tensor

from .compression import luma, quality
from .data import LEVELS, LUMA

SIDE = 7  # of a patch, in pixels
PATCHES = 40_000  # looked at, about
FEWEST = 3 * SIDE**2  # patches that say something
QUIET = 8  # directions counted as the noise's
ROUNDS = 5
STEEPEST = 3.0  # deviations above the slopes of noise alone that a patch without texture may have
FAINT = 0.6  # σ of what is not looked at again: what a clean picture seems to have
SMOOTH = 2.5  # times that noise is stronger at half the size than white noise, to be called smooth
MARGIN = 2.0  # σ from black and white at which noise is not cut off


def noise(parts: Sequence[Tensor]) -> float:
    """σ of the noise in 8-bit levels.

    White noise is half as strong at half the size. Where it is there much stronger than that, it
    was smooth from pixel to pixel, as a camera's is that interpolates colours; then what is found
    at half the size counts.
    """
    fine = white_noise(parts)
    if fine < FAINT:
        return fine
    halves = [F.avg_pool2d(part[None], 2)[0] for part in parts if min(part.shape[1:]) >= 2]
    try:
        coarse = 2 * white_noise(halves)
    except RheostatError:
        return fine  # too small to be halved
    return coarse if coarse > SMOOTH * fine else fine


def white_noise(parts: Sequence[Tensor]) -> float:
    """σ of white noise in 8-bit levels.

    Of the luma: colour is often smoothed by demosaicing and JPEG. In the directions in which the
    patches of a picture vary least they vary by little more than σ², and by σ² without those that
    have more slope than such noise makes, which are left out a few times over (after Liu, Tanaka
    and Okutomi, 2013).
    """
    is_grey = all(torch.equal(part[0], part[c]) for part in parts for c in (1, 2))
    gain = 1.0 if is_grey else float(torch.tensor(LUMA).norm())
    patches = _patches(luma(part) for part in parts)
    mean, slope = patches.mean((1, 2)), _slope(patches)
    directions = _quietest(patches[_not_clipped(patches)])
    variance = _variance(patches[_not_clipped(patches)], directions)
    for _ in range(ROUNDS):
        # Squared differences of white noise; each is correlated with the six that share a pixel.
        steps = 2 * SIDE * (SIDE - 1)
        limit = (2 * steps + STEEPEST * (20 * steps) ** 0.5) * variance
        margin = MARGIN * variance**0.5
        kept = patches[(slope <= limit) & (mean >= margin) & (mean <= 1 - margin)]
        if len(kept) < FEWEST:
            break
        variance = _variance(kept, directions)
    return float(LEVELS * variance**0.5 / gain)


def _patches(planes: Iterable[Tensor]) -> Tensor:
    """(N, SIDE, SIDE) of planes (H, W), evenly spread."""
    planes = list(planes)
    stride = max(2, round((sum(plane.numel() for plane in planes) / PATCHES) ** 0.5))
    large = [plane for plane in planes if min(plane.shape) >= SIDE]
    found = [p.unfold(0, SIDE, stride).unfold(1, SIDE, stride).flatten(0, 1) for p in large]
    return torch.cat([torch.empty(0, SIDE, SIDE), *found])


def _not_clipped(patches: Tensor) -> Tensor:
    clipped = ((patches <= 0) | (patches >= 1)).float().mean((1, 2))
    return clipped < 0.3


def _slope(patches: Tensor) -> Tensor:
    """Sum of the squared differences between neighbours: (N,)."""
    across, down = patches.diff(dim=2), patches.diff(dim=1)
    return across.square().sum((1, 2)) + down.square().sum((1, 2))


def _quietest(patches: Tensor) -> Tensor:
    """(SIDE², QUIET) unit vectors along which the patches vary least."""
    if len(patches) < FEWEST:
        raise RheostatError(
            "no-estimate",
            f"{len(patches)} places in the picture say something of its noise; "
            f"at least {FEWEST} are needed.",
            "Set the control by eye.",
        )
    vectors: Tensor = torch.linalg.eigh(torch.cov(patches.flatten(1).T.double())).eigenvectors
    return vectors[:, :QUIET].float()


def _variance(patches: Tensor, directions: Tensor) -> float:
    return float((patches.flatten(1) @ directions).var(0).mean())


Estimator = Callable[[Sequence[Tensor]], float]

ESTIMATORS: Mapping[str, Estimator] = {"noise": noise, "quality": quality}
