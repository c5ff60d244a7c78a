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

Message = Progress | Tile | Done | Error


class Answer(NamedTuple):
    """A message about a job, and the pixels that follow it. `Done` and `Error` are the last.

    seconds  with `Done`: how long the job was worked on
    """

    message: Message
    pixels: tuple[memoryview, ...] = ()
    seconds: float = 0.0

    @property
    def is_last(self) -> bool:
        """Whether nothing more comes."""
        return isinstance(self.message, Done | Error)


@dataclass(frozen=True, eq=False)
class Job:
    """A render that was checked and can be done: everything it needs, by value or immutable.

    expected  seconds it is going to take, 0 if nobody knows
    """

    session: str
    request: Render
    picture: Picture
    package: Package
    controls: Mapping[str, float]
    region: Box
    maps: Mapping[str, Picture] = field(default_factory=dict)
    expected: float = 0.0

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

    def progress(self, done: int, state: str, seconds: float = 0.0) -> Answer:
        """`done` pixels are finished, after so many seconds of work."""
        left = seconds * (self.pixels - done) / done if done else self.expected
        return Answer(Progress(self.id, done, self.pixels, state, round(left * 1000)))


def answers(job: Job, pool: Pool, renderer: Renderer) -> Generator[Answer, None, None]:
    """Do the job: progress, tiles, `Done`. Close the generator to cancel it."""
    start = time.perf_counter()
    watch = _Watch()
    if job.package.is_off(job.controls):
        yield from _tiles(job, unchanged(job.picture, job.region), watch)
    else:
        if not pool.is_ready(job.package):
            yield job.progress(0, "loading")
        with pool.use(job.package) as network:
            focus = Box(*job.request.focus) if job.request.focus else None
            pieces = renderer.render(network, job.view(), job.region, focus)
            yield from _tiles(job, pieces, watch)
    milliseconds = (time.perf_counter() - start) * 1000
    done = Done(job.id, job.settings().to_json(), milliseconds, renderer.name)
    yield Answer(done, seconds=watch.seconds)


def _tiles(job: Job, finished: Iterator[tuple[Box, Values]], watch: _Watch) -> Iterator[Answer]:
    done = 0
    yield job.progress(done, "rendering")
    while piece := watch.time(finished):
        box, values = piece
        data = np.ascontiguousarray(values).data.cast("B")
        frames = tuple(data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
        yield Answer(Tile(job.id, *box, job.picture.format.name, job.package.scale), frames)
        done += box.area
        yield job.progress(done, "rendering", watch.seconds)


class _Watch:
    """Counts the time that was worked, without the pauses in which others were more urgent."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self, finished: Iterator[tuple[Box, Values]]) -> tuple[Box, Values] | None:
        start = time.perf_counter()
        piece = next(finished, None)
        self.seconds += time.perf_counter() - start
        return piece
