"""Precision: where half the bits give the same picture, a network runs in half the time.

Only what the network adds to the picture is computed in bfloat16; the picture itself stays float32,
so that 16-bit values which are left alone are left alone.
"""

from __future__ import annotations

import logging
from typing import Literal

import torch
from rheostat.nets import Network
from rheostat.package import Package

log = logging.getLogger(__name__)

Precision = Literal["auto", "float32"]
WORST = 3 / 255  # deviation allowed at any pixel of the golden picture


@torch.inference_mode()
def choose(network: Network, package: Package, device: torch.device) -> torch.dtype:
    """bfloat16 where `device` computes it natively and the golden picture stays within `WORST`.

    Nothing is timed: the answer is the same at every start on one machine, and so are the pixels.
    """
    if not _is_native(device):
        return torch.float32
    golden, positions, _ = package.golden()
    x = golden.to(device)
    deviations = []
    for lam in positions.to(device):
        exact, half = network.bake(lam), network.bake(lam).to(torch.bfloat16)
        deviations.append((exact(x) - half(x)).abs().max())
    worst = float(torch.stack(deviations).max())  # NaN if one is, and then not within anything
    log.info("tried bfloat16", extra={"model": package.info.id, "levels": round(255 * worst, 2)})
    return torch.bfloat16 if worst <= WORST else torch.float32


def _is_native(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported())
