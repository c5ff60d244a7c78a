"""Jobs: one accepted render each, and the answers it gives."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from rheostat.package import Package
from rheostat_client.messages import (
    CHUNK,
    PURPOSES,
    Done,
    Error,
    Progress,
    Render,
    Tile,
)
from rheostat_client.settings import Settings

from .pool import Pool
from .raster import Box, Picture, Values
from .regions import unchanged
from .renderer import Renderer
from .view import View


class Answer(NamedTuple):
    """A message about a job, and the pixels that follow it. `Done` and `Error` are the last."""

    message: Progress | Tile | Done | Error
    pixels: tuple[memoryview, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether nothing more comes."""
        return isinstance(self.message, Done | Error)


@dataclass(frozen=True, eq=False)
class Job:
    """A render that was checked and can be done: everything it needs, by value or immutable."""

    session: str
    request: Render
    picture: Picture
    package: Package
    controls: Mapping[str, float]
    region: Box
    maps: Mapping[str, Picture] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The client's name for it, unique in its session."""
        return self.request.job

    @property
    def rank(self) -> int:
        """Urgency; 0 comes first."""
        return PURPOSES.index(self.request.purpose)

    @property
    def pixels(self) -> int:
        """Pixels of the result."""
        return self.region.area * self.package.scale**2

    def settings(self) -> Settings:
        """The record with which this render can be repeated."""
        info = self.package.info
        request = self.request
        return Settings(
            info.id,
            info.version,
            info.digest,
            dict(self.controls),
            maps=dict(request.maps),
            region=request.region,
        )

    def view(self) -> View:
        """For the renderer. Of a batch nothing is kept: nobody goes back to it."""
        request = self.request
        kept = request.purpose != "batch"
        origin = (request.hash, *sorted(request.maps.items())) if kept else None
        return View(self.package, self.picture, self.controls, self.maps, origin)

    def progress(self, done: int, state: str) -> Answer:
        """`done` pixels are finished."""
        return Answer(Progress(self.id, done, self.pixels, state))


def answers(job: Job, pool: Pool, renderer: Renderer) -> Generator[Answer, None, None]:
    """Do the job: progress, tiles, `Done`. Close the generator to cancel it."""
    start = time.perf_counter()
    if job.package.is_off(job.controls):
        yield from _tiles(job, unchanged(job.picture, job.region))
    else:
        if not pool.is_ready(job.package):
            yield job.progress(0, "loading")
        with pool.use(job.package) as network:
            focus = Box(*job.request.focus) if job.request.focus else None
            yield from _tiles(job, renderer.render(network, job.view(), job.region, focus))
    milliseconds = (time.perf_counter() - start) * 1000
    yield Answer(Done(job.id, job.settings().to_json(), milliseconds, renderer.name))


def _tiles(job: Job, finished: Iterator[tuple[Box, Values]]) -> Iterator[Answer]:
    done = 0
    yield job.progress(done, "rendering")
    for box, values in finished:
        data = np.ascontiguousarray(values).data.cast("B")
        frames = tuple(data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
        yield Answer(Tile(job.id, *box, job.picture.format.name, job.package.scale), frames)
        done += box.area
        yield job.progress(done, "rendering")
