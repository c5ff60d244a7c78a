"""Executor: where jobs are done. One worker thread today; a cluster can bind here."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Protocol

from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error

from .jobs import Answer, Job

Answers = Generator[Answer, None, None]

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds after which a waiting job gets one tile, however urgent the others are
REST = 600.0  # seconds
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


class LocalExecutor:
    """One worker thread. It does the next tile of the most urgent job.

    When there was nothing to do for `REST` seconds it lets go of what it keeps for the next job.
    A job that got none for `PATIENCE` seconds comes first for one tile: a hand that never leaves
    the slider does not stop a batch for good.
    """

    def __init__(
        self,
        work: Callable[[Job], Answers],
        wake: Callable[[], None],
        log_file: str,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        """`work` does a job; `wake` is called, from any thread, while there are events.

        `rest` is called by the worker itself, once in every long pause.
        """
        self._work = work
        self._wake = wake
        self._log_file = log_file
        self._rest = rest
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._closed = False
        self._rested = True  # nothing was done yet
        self._events: queue.Queue[tuple[Job, Answer]] = queue.Queue(AHEAD)
        self._last_step = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Handle:
        """As in `Executor`."""
        task = _Task(job, self._work(job), self._changed)
        with self._changed:
            self._tasks.append(task)
            self._tasks.sort(key=lambda t: t.job.rank)
            self._changed.notify()
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
        """Abandon all jobs; returns when the worker has ended its tile, or after `CLOSING`."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        deadline = time.monotonic() + CLOSING
        while self._thread.is_alive() and time.monotonic() < deadline:
            self.events()  # the worker may be waiting to tell
            self._thread.join(0.02)

    def _run(self) -> None:
        while task := self._next():
            answer = self._step(task)
            self._last_step = task.served = time.monotonic()
            if answer.is_last:
                task.answers.close()
                with self._changed:
                    self._tasks.remove(task)
            self._events.put((task.job, answer))
            self._wake()

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._closed:
                ready = [task for task in self._tasks if task.is_runnable]
                if ready:
                    self._rested = False
                    longest = min(ready, key=lambda task: task.served)
                    starves = time.monotonic() - longest.served > PATIENCE
                    return longest if starves else ready[0]
                if not self._changed.wait(None if self._rested else REST) and not self._tasks:
                    self._rested = True
                    self._rest()
            return None

    def _step(self, task: _Task) -> Answer:
        if task.reason is not None:
            return Answer(task.reason)
        job = task.job.id
        try:
            return next(task.answers)
        except RheostatError as error:
            log.warning("job %s: %s: %s", job, error.code, error)
            return Answer(Error(error.code, error.message, error.remedy, job))
        except Exception as error:
            log.exception("job %s failed", job)
            return Answer(
                Error(
                    "internal",
                    f"The render failed inside the daemon ({type(error).__name__}).",
                    f"The reason is in {self._log_file}, under job {job}.",
                    job,
                )
            )


class _Task:
    """Handle of the LocalExecutor."""

    def __init__(self, job: Job, answers: Answers, changed: threading.Condition) -> None:
        self.job = job
        self.answers = answers
        self.reason: Error | None = None
        self.served = time.monotonic()
        self._held = False
        self._changed = changed

    @property
    def is_runnable(self) -> bool:
        return self.reason is not None or not self._held

    def cancel(self, reason: Error) -> None:
        with self._changed:
            self.reason = reason
            self._changed.notify()

    def hold(self, held: bool) -> None:
        with self._changed:
            self._held = held
            self._changed.notify()
