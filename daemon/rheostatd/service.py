"""Service: what the daemon does for a session, whatever carries the messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rheostat.package import Package
from rheostat_client.controls import complete
from rheostat_client.errors import RheostatError
from rheostat_client.messages import (
    MAX_SIDE,
    Cancel,
    Cancelled,
    Done,
    Error,
    Estimate,
    ListModels,
    Models,
    Progress,
    Render,
    Stored,
    Upload,
)

from .costs import Costs
from .estimation import Estimation
from .executor import REST, Answers, LocalExecutor, Worker
from .jobs import Answer, Job, Last, Message, Rendering
from .library import Library
from .memory import Heap
from .metrics import Metrics
from .pool import Pool
from .raster import Box, Picture
from .renderer import Renderer
from .scheduler import Scheduler
from .store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Place:
    """A device: its renderer and the networks in its memory."""

    renderer: Renderer
    pool: Pool

    def work(self, job: Job) -> Answers:
        return job.answers(self.pool, self.renderer)

    def rest(self) -> None:
        self.pool.rest()
        self.renderer.rest()
        log.info("idle, models and caches are out of memory", extra={"device": self.renderer.name})


class Service:
    """Pictures, models and renders of all sessions, which are known by their tokens."""

    def __init__(
        self,
        renderers: Sequence[Renderer],
        picture_memory: int,
        model_memory: int,
        longest: float,
        log_file: str,
        tell: Callable[[str, Answer], None],
        wake: Callable[[], None],
    ) -> None:
        """Memory is in bytes, for models on each renderer's device; `longest` is in seconds.

        `tell` takes a session's token and an answer to a render. `wake` is called, from any thread,
        when `pass_on` is to be called.
        """
        self.device = ", ".join(renderer.name for renderer in renderers)
        self.store = Store(picture_memory)
        self._library = Library()
        self._places = [_Place(r, Pool(self._library, r, model_memory)) for r in renderers]
        self._costs = Costs(renderers[0], longest)
        self._heap = Heap()
        self._tell = tell
        workers = [Worker(place.work, place.rest) for place in self._places]
        self._executor = LocalExecutor(workers, wake, log_file)
        self.scheduler = Scheduler(self._executor, self._stopped, len(workers))
        self.metrics = Metrics(self.report)

    @property
    def idle_seconds(self) -> float:
        """Time since the worker last finished anything."""
        return self._executor.idle_seconds

    def models(self, _token: str, _request: ListModels, _pixels: Sequence[memoryview]) -> Models:
        """Every model that can be used, those installed a moment ago included."""
        self._library.refresh()
        return Models(tuple(info.to_dict() for info in self._library.infos()))

    def upload(self, token: str, upload: Upload, pixels: Sequence[memoryview]) -> Stored:
        """Announce a picture, or add to it."""
        if pixels:
            return self.store.receive(upload, pixels, token)
        return self.store.announce(upload, token)

    def render(self, token: str, render: Render, _pixels: Sequence[memoryview]) -> Message:
        """Check everything that can be checked, and queue the job."""
        self.store.release(token)  # even if it is refused; if not, the job has its own lease
        picture = self.store.picture(render.hash)
        package = self._library.package(render.model)
        region = _region(render, picture)
        if package.scale * max(picture.width, picture.height) > MAX_SIDE:
            raise RheostatError(
                "too-large",
                f"{package.info.name} would make {package.scale * picture.width} × "
                f"{package.scale * picture.height} pixels; the limit is {MAX_SIDE} on a side.",
                "Cut the picture into parts.",
            )
        controls = complete(package.info.controls, render.controls)
        maps = self._maps(render, picture, package)
        job = Rendering(token, render, picture, package, region, controls, maps)
        job = replace(job, expected=self._costs.admit(job))
        self._submit(job, *render.maps.values())
        return job.progress(0, "queued").message

    def estimate(self, token: str, estimate: Estimate, _pixels: Sequence[memoryview]) -> Message:
        """Check what can be checked, and queue the job."""
        self.store.release(token)  # even if it is refused; if not, the job has its own lease
        picture = self.store.picture(estimate.hash)
        package = self._library.package(estimate.model)
        known = {control.id: control for control in package.info.controls if control.auto}
        if estimate.control not in known:
            raise RheostatError(
                "unknown-control",
                f"{package.info.name} has no estimate for {estimate.control!r}.",
                f"It has for: {', '.join(known) or 'none'}.",
            )
        region, control = _region(estimate, picture), known[estimate.control]
        self._submit(Estimation(token, estimate, picture, package, region, control))
        return Progress(estimate.job, 0, region.area, "queued")

    def _submit(self, job: Job, *maps: str) -> None:
        """Queue the job; its pictures are kept until it has ended."""
        self.scheduler.submit(job)
        for name in (job.request.hash, *maps):
            self.store.lease(name, job)

    def _maps(self, render: Render, picture: Picture, package: Package) -> dict[str, Picture]:
        controls = {control.id: control for control in package.info.controls}
        maps = {}
        for name, pixels in render.maps.items():
            if name not in controls or not controls[name].map:
                paintable = [c.id for c in controls.values() if c.map]
                raise RheostatError(
                    "unknown-control",
                    f"{package.info.name} takes no map for {name!r}.",
                    f"Paintable are: {', '.join(paintable) or 'none'}.",
                )
            found = self.store.picture(pixels)
            if found.format.channels > 1 or found.box != picture.box:
                raise RheostatError(
                    "bad-value",
                    f"The map of {name} is {found.width} × {found.height} {found.format.name}; "
                    f"the picture is {picture.width} × {picture.height}.",
                    "Give a grey picture without alpha, of the picture's size.",
                )
            maps[name] = found
        return maps

    def cancel(self, token: str, cancel: Cancel, _pixels: Sequence[memoryview]) -> Cancelled:
        """Stop one job of the session."""
        return Cancelled(cancel.job, self.scheduler.cancel(token, cancel.job))

    def pass_on(self) -> None:
        """Tell the sessions what the executor did."""
        for job, answer in self._executor.events():
            if isinstance(answer.message, Last):
                self.scheduler.finished(job)
                self.store.release(job)
                self._heap.tidy()
                self.metrics.ended(job, answer.message)
                self._log(job, answer.message)
                if isinstance(answer.message, Done) and isinstance(job, Rendering):
                    self._learn(job, answer.seconds)
            self._tell(job.session, answer)

    def hold(self, token: str, held: bool) -> None:
        """Render no further for a session that does not take its answers."""
        self.scheduler.hold(token, held)

    def leave(self, token: str) -> None:
        """The session is over: stop its jobs and end its leases."""
        self.scheduler.drop(token)
        self.store.release(token)

    def tidy(self) -> None:
        """Let go of pictures that nobody used for `REST` seconds; to be called that often."""
        size = self.store.forget(REST)
        if size:
            self._heap.tidy()
            log.info("unused pictures are out of memory", extra={"bytes": str(size)})

    def report(self) -> dict[str, Any]:
        """For `status`: models, pictures, jobs and caches."""
        return {
            "models": [self._model(row) for row in self._library.report()],
            "store": self.store.report(),
            "jobs": self.scheduler.report(),
            "caches": self._caches(),
        }

    def close(self) -> None:
        """Abandon all jobs."""
        self._executor.close()
        self._library.close()

    def _model(self, row: dict[str, Any]) -> dict[str, Any]:
        """A line of the library's report with what the devices know of the model."""
        states = [p.pool.states()[row["id"]] for p in self._places if row["id"] in p.pool.states()]
        state = states[0][0] if states and row["state"] == "verified" else row["state"]
        return {**row, "state": state, "bytes": sum(size for _, size in states)}

    def _caches(self) -> dict[str, dict[str, int]]:
        reports = [place.renderer.report() for place in self._places]
        return {
            cache: {key: sum(report[cache][key] for report in reports) for key in counts}
            for cache, counts in reports[0].items()
        }

    def _learn(self, job: Rendering, seconds: float) -> None:
        if job.view().origin is None:  # of others, parts were known before
            self._costs.learn(job, seconds)

    def _log(self, job: Job, last: Last) -> None:
        facts = {"job": job.id, "model": job.package.info.id, "purpose": job.purpose}
        if isinstance(last, Done):
            facts |= {"pixels": str(job.region.area), "milliseconds": f"{last.milliseconds:.0f}"}
        log.info(last.code if isinstance(last, Error) else "done", extra=facts)

    def _stopped(self, job: Job, reason: Error) -> None:
        self.store.release(job)
        self.metrics.ended(job, reason)
        self._tell(job.session, Answer(reason))


def _region(request: Render | Estimate, picture: Picture) -> Box:
    """The region asked for, or all; RheostatError `bad-value` if it is not inside the picture."""
    region = Box(*request.region) if request.region else picture.box
    if region.width < 1 or region.height < 1 or not picture.box.contains(region):
        raise RheostatError(
            "bad-value",
            f"The region {list(region)} is not inside the picture, "
            f"which is {picture.width} × {picture.height}.",
            "Give [x, y, width, height] in the picture's pixels.",
        )
    return region
