"""Executor: where jobs are done. A thread for each device today; a cluster can bind here."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error

from .cache import Cache
from .jobs import Answer, Job

Answers = Generator[Answer, None, None]

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds after which a waiting job gets one tile, however urgent the others are
REST = 600.0  # seconds
RECENT = 64  # pictures of which is known where they were last worked on
AHEAD = 8  # answers the worker may be ahead of their reader
CLOSING = 20.0  # seconds to wait for the last tile; a process is not to end in the middle of one


class Handle(Protocol):
    """A submitted job."""

    def cancel(self, reason: Error) -> None:
        """Stop at the next tile; `reason` becomes the job's last answer."""

    def hold(self, held: bool) -> None:
        """Make no more answers while `held`: their reader is slow."""


class Executor(Protocol):
    """Does jobs, several at a time by rank, and tells what came of them."""

    def submit(self, job: Job) -> Handle:
        """Begin `job`. It overtakes submitted jobs of a lower rank at their next tile."""
        ...

    def events(self) -> list[tuple[Job, Answer]]:
        """What happened next, in order, a few at a time; never waits."""
        ...

    @property
    def idle_seconds(self) -> float:
        """Time since the last sign of work."""
        ...

    def close(self) -> None:
        """Abandon all jobs."""


@dataclass(frozen=True, eq=False)
class Worker:
    """A device, as the executor sees it.

    work  does a job
    rest  lets go of what is kept for the next job; called once in every long pause
    """

    work: Callable[[Job], Answers]
    rest: Callable[[], None] = lambda: None


class LocalExecutor:
    """A thread for each worker. It does the next step of the most urgent job.

    A job stays with the worker that began it, and one on the same picture goes where the last one
    went if that worker is free: it has kept what can be used again.
    When there was nothing to do for `REST` seconds a worker rests. A job that got no step for
    `PATIENCE` seconds comes first for one: a hand that never leaves the slider does not stop a
    batch for good.
    """

    def __init__(self, workers: Sequence[Worker], wake: Callable[[], None], log_file: str) -> None:
        """`wake` is called, from any thread, while there are events."""
        self._wake = wake
        self._log_file = log_file
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._free: set[Worker] = set()
        self._last: Cache[Worker] = Cache(RECENT)  # by a picture's hash
        self._closed = False
        self._events: queue.Queue[tuple[Job, Answer]] = queue.Queue(AHEAD)
        self._last_step = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name=f"worker {n}", daemon=True)
            for n, worker in enumerate(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> Handle:
        """As in `Executor`."""
        task = _Task(job, self._changed)
        with self._changed:
            self._tasks.append(task)
            self._tasks.sort(key=lambda t: t.job.rank)
            self._changed.notify_all()
        return task

    def events(self) -> list[tuple[Job, Answer]]:
        """As in `Executor`."""
        found: list[tuple[Job, Answer]] = []
        with contextlib.suppress(queue.Empty):
            while len(found) < AHEAD:
                found.append(self._events.get_nowait())
        if not self._events.empty():
            self._wake()
        return found

    @property
    def idle_seconds(self) -> float:
        """As in `Executor`."""
        return time.monotonic() - self._last_step

    def close(self) -> None:
        """Abandon all jobs; returns when the workers have ended their steps, or after `CLOSING`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + CLOSING
        while any(t.is_alive() for t in self._threads) and time.monotonic() < deadline:
            self.events()  # a worker may be waiting to tell
            time.sleep(0.01)

    def _run(self, worker: Worker) -> None:
        rested = True  # nothing was done yet
        while not self._closed:
            task = self._next(worker, None if rested else REST)
            if task is None:
                rested = True
                worker.rest()
                continue
            rested = False
            answer = self._step(task, worker)
            self._last_step = task.served = time.monotonic()
            if answer.is_last and task.answers is not None:
                task.answers.close()
            with self._changed:
                task.is_free = True
                if answer.is_last:
                    self._tasks.remove(task)
                self._changed.notify_all()
            self._events.put((task.job, answer))
            self._wake()

    def _next(self, worker: Worker, patience: float | None) -> _Task | None:
        """The task of which `worker` is to do the next step; None after `patience` seconds."""
        with self._changed:
            self._free.add(worker)
            while not self._closed:
                ready = [task for task in self._tasks if self._suits(task, worker)]
                if ready:
                    longest = min(ready, key=lambda task: task.served)
                    starves = time.monotonic() - longest.served > PATIENCE
                    task = longest if starves else ready[0]
                    task.worker, task.is_free = worker, False
                    self._last.put(task.job.request.hash, worker, 1)
                    self._free.discard(worker)
                    return task
                if not self._changed.wait(patience):
                    return None
            return None

    def _suits(self, task: _Task, worker: Worker) -> bool:
        if not task.is_runnable or task.worker not in (None, worker):
            return False
        last = self._last.get(task.job.request.hash)
        return task.worker is worker or last is worker or last not in self._free

    def _step(self, task: _Task, worker: Worker) -> Answer:
        if task.reason is not None:
            return Answer(task.reason)
        job = task.job.id
        try:
            if task.answers is None:
                task.answers = worker.work(task.job)
            return next(task.answers)
        except RheostatError as error:
            log.warning("stopped", extra={"job": job, "code": error.code, "reason": str(error)})
            return Answer(Error(error.code, error.message, error.remedy, job))
        except Exception as error:
            log.exception("failed", extra={"job": job})
            return Answer(
                Error(
                    "internal",
                    f"The job failed inside the daemon ({type(error).__name__}).",
                    f"The reason is in {self._log_file}, under job {job}.",
                    job,
                )
            )


class _Task:
    """Handle of the LocalExecutor."""

    def __init__(self, job: Job, changed: threading.Condition) -> None:
        self.job = job
        self.answers: Answers | None = None
        self.worker: Worker | None = None
        self.is_free = True  # of a worker in the middle of a step
        self.reason: Error | None = None
        self.served = time.monotonic()
        self._held = False
        self._changed = changed

    @property
    def is_runnable(self) -> bool:
        return self.is_free and (self.reason is not None or not self._held)

    def cancel(self, reason: Error) -> None:
        with self._changed:
            self.reason = reason
            self._changed.notify_all()

    def hold(self, held: bool) -> None:
        with self._changed:
            self._held = held
            self._changed.notify_all()
