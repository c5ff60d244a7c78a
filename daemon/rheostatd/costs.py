"""Costs: what a render will take, so that what cannot be done is refused before it is begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import psutil
import torch
from rheostat_client.errors import RheostatError

from .jobs import Rendering
from .renderer import Renderer

KEPT = 32  # renders a line is fitted to
TELLING = 0.05  # megapixels; in less most of the time is overhead
LONGEST = 3600.0  # seconds one render may take
SPARE = 256 * 2**20  # bytes of memory that are left to others


class Line:
    """Seconds = overhead + slope · megapixels, fitted to the last renders of a model."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._seen: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def learn(self, megapixels: float, seconds: float) -> None:
        """One more render; of tiny ones nothing, as their time is not their pixels'."""
        if megapixels >= TELLING:
            self._seen.append((megapixels, seconds))

    def predict(self, megapixels: float) -> float | None:
        """Seconds, or None as long as nothing was seen; the overhead is never negative."""
        if not self._seen:
            return None
        x, y = np.array(self._seen).T
        if x.max() > 2 * x.min():  # else the two cannot be told apart
            slope, overhead = np.polyfit(x, y, 1)
            if slope > 0 and overhead >= 0:
                return float(overhead + slope * megapixels)
        return float(y.sum() / x.sum() * megapixels)


class Costs:
    """Predicts renders by model, and admits those that time and memory allow."""

    def __init__(
        self,
        renderer: Renderer,
        longest: float = LONGEST,
        free: Callable[[torch.device], int] | None = None,
    ) -> None:
        """`longest` is in seconds; `free` gives a device's free memory in bytes."""
        self._renderer = renderer
        self._longest = longest
        self._free = free or free_memory
        self._lines: dict[tuple[str, frozenset[str]], Line] = {}  # by model and what is painted

    def admit(self, job: Rendering) -> float:
        """The seconds the job will take, 0 if nothing is known of its model yet or nothing is done.

        Raises RheostatError `too-large` with the numbers if that is too long, or if the device has
        not the memory for its steps.
        """
        pace = self._renderer.pace(job.package)
        if pace is None or job.package.is_off(job.controls):
            return 0.0
        megapixels = job.region.area / 1e6
        line = self._lines.get(_key(job))
        seconds = (line and line.predict(megapixels)) or pace.seconds * megapixels
        name, device = job.package.info.name, self._renderer.name
        if seconds > self._longest:
            raise RheostatError(
                "too-large",
                f"{name} would take about {seconds / 60:.0f} minutes for {megapixels:.0f} "
                f"megapixels on {device}; the limit is {self._longest / 60:.0f} minutes.",
                "Filter parts of it, or start the daemon with a larger `rheostat serve --longest`.",
            )
        needed = pace.memory * min(job.region.width, self._renderer.column(job.package))
        needed *= 1 + len(job.maps)  # painted, each slope of the kernels has its own features
        free = self._free(self._renderer.device) - SPARE
        if needed > free:
            raise RheostatError(
                "too-large",
                f"{name} needs about {needed / 2**20:.0f} MiB for each step on {device}; "
                f"{max(0, free) / 2**20:.0f} MiB are free.",
                "Close other programs that use it.",
            )
        return seconds

    def learn(self, job: Rendering, seconds: float) -> None:
        """The whole of `job` was done in so many seconds; nothing is learned of one that is off."""
        if not job.package.is_off(job.controls):
            self._lines.setdefault(_key(job), Line()).learn(job.region.area / 1e6, seconds)


def _key(job: Rendering) -> tuple[str, frozenset[str]]:
    return job.package.info.digest, frozenset(job.maps)


def free_memory(device: torch.device) -> int:
    """Bytes that a new allocation on `device` may take."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
