"""Evaluation: what a packed denoiser does, measured on a folder of clean pictures.

Noise is fixed by picture: the k-th file in sorted order gets seed k, so that two runs, and two
methods, see the same noise. PSNR is over RGB of the clamped output, the mean over pictures.
"""

from __future__ import annotations

import itertools
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rheostat_client.errors import RheostatError
from torch import Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio, total_variation

from . import __version__
from .data import find_pictures, read_rgb, to_float
from .degradations import add_gaussian_noise
from .package import Package
from .packing import read_evidence, write_evidence
from .perception import LPIPS

SIGMAS = (5, 15, 25, 35, 50, 75)  # noise levels at which fidelity is measured
TRAVEL = tuple(i / 10 for i in range(11))  # slider positions of a sweep
SWEEP_SIGMA = 25  # noise of the pictures on which sliders are swept
OFFSETS = (-10, -5, 0, 5, 10)  # wrong settings of `noise`, to see where the best one lies


@dataclass
class Scores:
    """Means over pictures, gathered one picture at a time, by (sweep, position, measure)."""

    sums: dict[tuple[str, float, str], float] = field(default_factory=dict)
    pictures: int = 0

    def add(self, sweep: str, position: float, **measures: Tensor) -> None:
        """Add one picture's measures."""
        for name, value in measures.items():
            key = (sweep, position, name)
            self.sums[key] = self.sums.get(key, 0.0) + float(value)

    def means(self) -> dict[str, dict[str, list[float]]]:
        """{sweep: {"position": [...], measure: [...]}}, rounded to five digits."""
        table: dict[str, dict[str, list[float]]] = {}
        for (sweep, position, name), total in self.sums.items():
            columns = table.setdefault(sweep, {"position": []})
            if position not in columns["position"]:
                columns["position"].append(position)
            columns.setdefault(name, []).append(round(total / self.pictures, 5))
        return table


def evaluate(
    package: Package,
    data: Path,
    backbones: Path,
    *,
    command: str,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """Measure `package` on the pictures in `data` and write what was found to its evidence.json.

    Four sweeps: `sigma` (noise known, detail 0), `detail` (at σ 25), `blend` (the same travel as
    an opacity blend of the two ends, the baseline), `noise` (the slider from 0 to 75 on σ 25), and
    `offset` (noise set too low or too high). Earlier results on other folders are kept.
    """
    controls = [c.id for c in package.info.controls]
    if controls != ["noise", "detail"]:
        raise RheostatError(
            "unsupported-package",
            f"{package.info.name} has the controls {', '.join(controls)}; "
            "only models with noise and detail can be evaluated.",
            "Update Rheostat.",
        )
    paths = find_pictures(data)
    measure = _DenoiserMeasure(package, LPIPS(backbones))
    for index, path in enumerate(paths):
        measure.picture(index, to_float(read_rgb(path))[None])
        report(index + 1, len(paths))
    evidence = {
        "command": command,
        "pictures": len(paths),
        "digest": package.info.digest,
        "rheostat": __version__,
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "sweeps": measure.scores.means(),
    }
    name = data.resolve().name
    write_evidence(package.folder, read_evidence(package.folder) | {name: evidence})
    return evidence


class _DenoiserMeasure:
    """Bakes each position of the sliders once, then measures picture by picture."""

    def __init__(self, package: Package, lpips: LPIPS) -> None:
        self.scores = Scores()
        self.lpips = lpips
        self.multiple = package.multiple
        self.network = package.load()
        self.baked: dict[tuple[float, float], nn.Module] = {}

    @torch.inference_mode()
    def picture(self, index: int, clean: Tensor) -> None:
        """Measure one clean picture (1, 3, H, W)."""
        self.scores.pictures += 1
        for sigma in SIGMAS:
            noisy = _noisy(clean, sigma, index)
            result = self._run(noisy, sigma, 0.0)
            self.scores.add("sigma", sigma, psnr=_psnr(result, clean), noisy=_psnr(noisy, clean))
        noisy = _noisy(clean, SWEEP_SIGMA, index)
        self._sweep_detail(noisy, clean)
        for position in TRAVEL:
            level = 75.0 * position
            result = self._run(noisy, level, 0.0)
            self.scores.add("noise", level, roughness=total_variation(result) / result.numel())
        for offset in OFFSETS:
            result = self._run(noisy, SWEEP_SIGMA + offset, 0.0)
            self.scores.add("offset", offset, psnr=_psnr(result, clean))

    def _sweep_detail(self, noisy: Tensor, clean: Tensor) -> None:
        described = self.lpips.describe(clean)
        results = {d: self._run(noisy, SWEEP_SIGMA, d) for d in TRAVEL}
        for position, result in results.items():
            blend = (1 - position) * results[0.0] + position * results[1.0]
            for sweep, picture in (("detail", result), ("blend", blend)):
                picture = picture.clamp(0, 1)
                self.scores.add(
                    sweep,
                    position,
                    psnr=_psnr(picture, clean),
                    fidelity=(picture - clean).abs().mean(),
                    perception=self.lpips.distance(self.lpips.describe(picture), described)[0],
                )

    def _run(self, noisy: Tensor, sigma: float, detail: float) -> Tensor:
        if sigma == 0:
            return noisy
        position = (float(sigma), detail)
        if position not in self.baked:
            plain = self.network.bake(torch.tensor(position))
            self.baked[position] = plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        height, width = noisy.shape[2:]
        margin = (0, -width % self.multiple, 0, -height % self.multiple)
        padded = F.pad(noisy, margin, mode="replicate").to(memory_format=torch.channels_last)
        result: Tensor = self.baked[position](padded)[:, :, :height, :width]
        return result


def violations(values: Sequence[float]) -> float:
    """The largest rise of a sequence that should fall; 0 if it falls everywhere."""
    return max(0.0, *(b - a for a, b in itertools.pairwise(values)))


def _noisy(clean: Tensor, sigma: float, index: int) -> Tensor:
    generator = torch.Generator().manual_seed(index)
    return add_gaussian_noise(clean, torch.tensor([float(sigma)]), generator)


def _psnr(picture: Tensor, clean: Tensor) -> Tensor:
    return peak_signal_noise_ratio(picture.clamp(0, 1), clean, data_range=1.0)
