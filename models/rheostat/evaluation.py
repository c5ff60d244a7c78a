"""Evaluation: what a packed restorer does, measured on a folder of clean pictures.

Faults are fixed by picture: the k-th file in sorted order gets seed k, so that two runs, and two
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
from .package import Package
from .packing import read_evidence, write_evidence
from .tasks import TASKS, Restoration

TRAVEL = tuple(i / 10 for i in range(11))  # slider positions of a sweep


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

    Sweeps: each series of known faults of the task, set right, detail 0; then, on its middle fault,
    `detail`, `blend` (the same travel as an opacity blend of the two ends, the baseline), the first
    control by its name, and `offset` (that control set too low or too high). Earlier results on
    other folders are kept.
    """
    paths = find_pictures(data)
    task = _task(package, backbones)
    measure = _Measure(package, task)
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


class _Measure:
    """Bakes each position of the sliders once, then measures picture by picture."""

    def __init__(self, package: Package, task: Restoration) -> None:
        self.scores = Scores()
        self.task = task
        self.package = package
        self.network = package.load()
        self.baked: dict[tuple[float, ...], nn.Module] = {}

    @torch.inference_mode()
    def picture(self, index: int, clean: Tensor) -> None:
        """Measure one clean picture (1, 3, H, W)."""
        self.scores.pictures += 1
        height, width = (side - side % self.task.scale for side in clean.shape[2:])
        clean = clean[:, :, :height, :width]
        for name, faults in self.task.series.items():
            for position, fault in faults.items():
                spoilt = self.task.spoil(clean, fault, index)
                result = self._run(spoilt, *fault, 0.0)
                self.scores.add(
                    name,
                    position,
                    psnr=self._psnr(result, clean),
                    noisy=self._psnr(self.task.untouched(spoilt), clean),
                )
        spoilt = self.task.spoil(clean, self.task.middle, index)
        self._sweep_detail(spoilt, clean)
        first, *others = self.task.middle
        low, high = self.package.info.controls[0].soft
        for position in TRAVEL:
            value = low + (high - low) * position
            result = self._run(spoilt, value, *others, 0.0)
            roughness = total_variation(result) / result.numel()
            self.scores.add(self.task.controls[0], value, roughness=roughness)
        for offset in self.task.offsets:
            result = self._run(spoilt, first + offset, *others, 0.0)
            self.scores.add("offset", offset, psnr=self._psnr(result, clean))

    def _sweep_detail(self, spoilt: Tensor, clean: Tensor) -> None:
        lpips = self.task.lpips
        described = lpips.describe(clean)
        results = {d: self._run(spoilt, *self.task.middle, d) for d in TRAVEL}
        for position, result in results.items():
            blend = (1 - position) * results[0.0] + position * results[1.0]
            for sweep, picture in (("detail", result), ("blend", blend)):
                picture = picture.clamp(0, 1)
                self.scores.add(
                    sweep,
                    position,
                    psnr=self._psnr(picture, clean),
                    fidelity=(picture - clean).abs().mean(),
                    perception=lpips.distance(lpips.describe(picture), described)[0],
                )

    def _run(self, spoilt: Tensor, *position: float) -> Tensor:
        if self.package.is_off(dict(zip(self.task.controls, position, strict=True))):
            return spoilt
        if position not in self.baked:
            plain = self.network.bake(torch.tensor(position, dtype=torch.float32))
            self.baked[position] = plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        height, width = (side * self.task.scale for side in spoilt.shape[2:])
        multiple = self.package.multiple
        margin = (0, -spoilt.shape[3] % multiple, 0, -spoilt.shape[2] % multiple)
        padded = F.pad(spoilt, margin, mode="replicate").to(memory_format=torch.channels_last)
        result: Tensor = self.baked[position](padded)[:, :, :height, :width]
        return result

    def _psnr(self, picture: Tensor, clean: Tensor) -> Tensor:
        ours, theirs = self.task.judged(picture.clamp(0, 1)), self.task.judged(clean)
        return peak_signal_noise_ratio(ours, theirs, data_range=1.0)


def _task(package: Package, backbones: Path) -> Restoration:
    ids = tuple(control.id for control in package.info.controls)
    for kind in TASKS.values():
        if not issubclass(kind, Restoration) or kind.controls != ids:
            continue
        if (kind.architecture, kind.scale) == (package.manifest.architecture.name, package.scale):
            return kind(backbones)
    raise RheostatError(
        "unsupported-package",
        f"{package.info.name} has the controls {', '.join(ids)}; there is no task to measure "
        f"the architecture {package.manifest.architecture.name} with these on.",
        "Add one to rheostat.tasks.",
    )


def violations(values: Sequence[float]) -> float:
    """The largest rise of a sequence that should fall; 0 if it falls everywhere."""
    return max(0.0, *(b - a for a, b in itertools.pairwise(values)))
