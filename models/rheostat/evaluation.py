"""Evaluation: what a packed model does, measured on a folder of clean pictures.

Faults are fixed by picture: the k-th file in sorted order gets seed k, so that two runs, and two
methods, see the same noise. PSNR is over RGB of the clamped output, the mean over pictures.
"""

from __future__ import annotations

import itertools
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rheostat_client.errors import RheostatError
from torch import Tensor, nn

from . import __version__
from .data import find_pictures, read_rgb, to_float
from .package import Package
from .packing import read_evidence, write_evidence
from .scores import Scores
from .tasks import TASKS, Task


def evaluate(
    package: Package,
    data: Path,
    backbones: Path,
    *,
    command: str,
    only_estimators: bool = False,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """Measure `package` on the pictures in `data` and write what was found to its evidence.json.

    Which sweeps there are is the task's to say (`Task.measure`). Earlier results on other folders
    are kept, and with `only_estimators`, which takes no render, those on this one as well.
    """
    paths = find_pictures(data)
    task = _task(package, backbones)
    scores, run = Scores(), _Runner(package)
    with torch.inference_mode():
        for index, path in enumerate(paths):
            scores.pictures += 1
            clean = to_float(read_rgb(path))[None]
            task.measure_estimator(clean, index, package.info.controls, scores)
            if not only_estimators:
                task.measure(run, clean, index, package.info.controls, scores)
            report(index + 1, len(paths))
    evidence = {
        "command": command,
        "pictures": len(paths),
        "digest": package.info.digest,
        "rheostat": __version__,
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "sweeps": scores.means(),
    }
    name, known = data.resolve().name, read_evidence(package.folder)
    before = known.get(name)
    if only_estimators and before and before["digest"] == package.info.digest:
        evidence = before | {"sweeps": before["sweeps"] | evidence["sweeps"]}
    write_evidence(package.folder, known | {name: evidence})
    return evidence


class _Runner:
    """Bakes each position of the sliders once, then runs it on picture after picture."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._network = package.load()
        self._baked: dict[tuple[float, ...], nn.Module] = {}

    def __call__(self, picture: Tensor, lam: Sequence[float]) -> Tensor:
        """The result for `picture` (1, 3, H, W) at `lam` (P,)."""
        position, package = tuple(lam), self._package
        ids = [control.id for control in package.info.controls]
        if package.is_off(dict(zip(ids, position, strict=True))):
            return picture
        if position not in self._baked:
            plain = self._network.bake(torch.tensor(position, dtype=torch.float32))
            self._baked[position] = plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        height, width = (side * package.scale for side in picture.shape[2:])
        multiple = package.multiple
        margin = (0, -picture.shape[3] % multiple, 0, -picture.shape[2] % multiple)
        padded = F.pad(picture, margin, mode="replicate").to(memory_format=torch.channels_last)
        result: Tensor = self._baked[position](padded)[:, :, :height, :width]
        return result


def _task(package: Package, backbones: Path) -> Task:
    ids = tuple(control.id for control in package.info.controls)
    wanted = (package.manifest.architecture.name, package.scale, ids)
    for kind in TASKS.values():
        if (kind.architecture, kind.scale, kind.controls) == wanted:
            return kind(backbones)
    raise RheostatError(
        "unsupported-package",
        f"{package.info.name} has the controls {', '.join(ids)}; there is no task to measure "
        f"the architecture {package.manifest.architecture.name} with these on.",
        "Add one to rheostat.tasks.",
    )


def violations(values: Sequence[float]) -> float:
    """The largest rise of a sequence that should fall; 0 if it falls everywhere."""
    return max((0.0, *(b - a for a, b in itertools.pairwise(values))))
