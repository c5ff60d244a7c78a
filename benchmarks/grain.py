"""`python -m benchmarks.grain`: would a `grain` slider do something that opacity does not?

Grain can be kept in three ways without one: by opacity, which mixes the noisy picture back in; by
its luma alone, which is a layer mode in an editor; and by setting `noise` lower. Each in steps, on
every 17th picture of CBSD68, compared where they cost the same decibels. LPIPS (SqueezeNet),
less is better; `denoise` at `detail` 0 and, for comparison, its own way to texture: `detail`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rheostat.data import LUMA, find_pictures, read_rgb, to_float
from rheostat.nets import Network
from rheostat.package import find_packages, read_package
from rheostat.tasks.denoise import CameraTask
from rich.console import Console
from rich.progress import track
from torch import Tensor

from .machine import DATA, commit, machine

RESULT = Path(__file__).parent / "results" / "grain.md"
EVERY = 17
CASES = {"white noise, σ 25": (25.0, 0.0), "a camera's noise, σ 15": (15.0, 1.0)}
STRENGTHS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)  # of grain
DETAILS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
COSTS = (0.1, 0.25, 0.5)  # dB


@torch.inference_mode()
def main() -> None:
    """Measure, print and write."""
    package, task = read_package(find_packages()["denoise"]), CameraTask(DATA / "backbones")
    network = package.load()
    paths = list(enumerate(find_pictures(DATA / "test" / "CBSD68")))[::EVERY]
    rows = []
    for case, (sigma, camera) in CASES.items():
        found: dict[str, np.ndarray] = {}
        for index, path in track(paths, case, console=Console(stderr=True)):
            clean = to_float(read_rgb(path))[None]
            clean = clean[:, :, : clean.shape[2] // 2 * 2, : clean.shape[3] // 2 * 2]
            noisy, known = task.spoil(clean, (sigma, camera), index), task.lpips.describe(clean)
            for way, pictures in _ways(network, noisy, sigma, camera).items():
                values = [_measured(task, p.clamp(0, 1), clean, known) for p in pictures]
                found[way] = found.get(way, 0) + np.array(values) / len(paths)
        rows += [_row(case, way, values) for way, values in found.items()]
    heads = ["noise", "way", "nothing", *(f"{cost:g} dB" for cost in COSTS)]
    lines = ["# Grain", "", f"`python -m benchmarks.grain`, {machine()}, commit {commit()}.", ""]
    lines += [(__doc__ or "").split("\n\n", 1)[1].strip(), ""]
    lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    Console().print("\n".join(lines))
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _ways(network: Network, noisy: Tensor, sigma: float, camera: float) -> dict[str, list[Tensor]]:
    """`noisy` without its noise, and in steps ever more of the grain kept in each way."""

    def denoised(noise: float, detail: float) -> Tensor:
        if noise == 0:
            return noisy
        result: Tensor = network.bake(torch.tensor([noise, camera, detail]))(noisy)
        return result

    plain = denoised(sigma, 0.0)
    rest = noisy - plain
    luma = (torch.tensor(LUMA)[:, None, None] * rest).sum(1, keepdim=True)
    return {
        "opacity": [plain + g * rest for g in STRENGTHS],
        "luma alone": [plain + g * luma for g in STRENGTHS],
        "`noise` lower": [denoised(sigma * (1 - g), 0.0) for g in STRENGTHS],
        "`detail`": [denoised(sigma, d) for d in DETAILS],
    }


def _measured(
    task: CameraTask, picture: Tensor, clean: Tensor, known: list[Tensor]
) -> tuple[float, float]:
    psnr = -10 * float((picture - clean).square().mean().log10())
    return psnr, float(task.lpips.distance(task.lpips.describe(picture), known)[0])


def _row(case: str, way: str, values: np.ndarray) -> list[str]:
    """LPIPS where PSNR has fallen by each of the costs, the first time along the way."""
    falls = np.maximum.accumulate(values[0, 0] - values[:, 0])
    cells = [f"{values[0, 1]:.4f}"]
    for cost in COSTS:
        reached = falls[-1] >= cost
        cells.append(f"{np.interp(cost, falls, values[:, 1]):.4f}" if reached else "–")
    return [case, way, *cells]


if __name__ == "__main__":
    main()
