"""Jobs: what a session asked for and was accepted, and the answers it gives."""

from __future__ import annotations

import abc
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from rheostat.package import Package
from rheostat_client.messages import (
    PURPOSES,
    Done,
    Error,
    Estimate,
    Estimated,
    Progress,
    Render,
    Tile,
)
from rheostat_client.settings import Settings

from .pool import Pool
from .raster import Box, Picture, Values
from .regions import bands, unchanged
from .renderer import Renderer
from .view import View

Message = Progress | Tile | Done | Estimated | Error
Last = Done | Estimated | Error


class Answer(NamedTuple):
    """A message about a job, and the pixels that follow it.

    seconds  with `Done`: how long the job was worked on
    """

    message: Message
    pixels: tuple[memoryview, ...] = ()
    seconds: float = 0.0

    @property
    def is_last(self) -> bool:
        """Whether nothing more comes."""
        return isinstance(self.message, Last)


@dataclass(frozen=True, eq=False)
class Job(abc.ABC):
    """What was checked and can be done: everything it needs, by value or immutable."""

    session: str
    request: Render | Estimate
    picture: Picture
    package: Package
    region: Box

    @property
    def id(self) -> str:
        """The client's name for it, unique in its session."""
        return self.request.job

    @property
    @abc.abstractmethod
    def purpose(self) -> str:
        """What for, in a word."""

    @property
    @abc.abstractmethod
    def rank(self) -> int:
        """Urgency; 0 comes first."""

    @abc.abstractmethod
    def answers(self, pool: Pool, renderer: Renderer) -> Generator[Answer, None, None]:
        """Do it. Close the generator to cancel it."""


@dataclass(frozen=True, eq=False)
class Rendering(Job):
    """A render.

    expected  seconds it is going to take, 0 if nobody knows
    """

    request: Render
    controls: Mapping[str, float]
    maps: Mapping[str, Picture] = field(default_factory=dict)
    expected: float = 0.0

    @property
    def purpose(self) -> str:
        """As the client said."""
        return self.request.purpose

    @property
    def rank(self) -> int:
        """Previews before applies before batches."""
        return PURPOSES.index(self.purpose)

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

    def answers(self, pool: Pool, renderer: Renderer) -> Generator[Answer, None, None]:
        """Progress, tiles, `Done`."""
        start = time.perf_counter()
        watch = _Watch()
        if self.package.is_off(self.controls):
            yield from _tiles(self, unchanged(self.picture, self.region), watch)
        else:
            if not pool.is_ready(self.package):
                yield self.progress(0, "loading")
            with pool.use(self.package) as network:
                focus = Box(*self.request.focus) if self.request.focus else None
                pieces = renderer.render(network, self.view(), self.region, focus)
                yield from _tiles(self, pieces, watch)
        milliseconds = (time.perf_counter() - start) * 1000
        done = Done(self.id, self.settings().to_json(), milliseconds, renderer.name)
        yield Answer(done, seconds=watch.seconds)


def _tiles(
    job: Rendering, finished: Iterator[tuple[Box, Values]], watch: _Watch
) -> Iterator[Answer]:
    done = 0
    yield job.progress(done, "rendering")
    while piece := watch.time(finished):
        for box, values in bands(*piece):  # however large the device's steps are
            frame = np.ascontiguousarray(values).data.cast("B")
            yield Answer(Tile(job.id, *box, job.picture.format.name, job.package.scale), (frame,))
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
