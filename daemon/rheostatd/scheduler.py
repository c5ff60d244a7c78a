"""Scheduler: which job is next. Previews before applies before batches, the newest preview wins."""

from __future__ import annotations

from collections.abc import Callable

from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error

from .executor import Executor, Handle
from .jobs import Job, Rendering

MAX_QUEUED = 256  # jobs of one session


class Scheduler:
    """Keeps the queue and hands jobs to the executor.

    One job of each class (preview, apply, batch) is handed over at a time for each device; the
    executor lets the most urgent make headway. Within a class the sessions take turns, so a folder
    in one program does not keep another program waiting. Jobs held up by their reader do not count.
    """

    def __init__(
        self, executor: Executor, stopped: Callable[[Job, Error], None], devices: int = 1
    ) -> None:
        """`stopped` hears of jobs that were stopped while still in the queue."""
        self._devices = devices
        self._executor = executor
        self._stopped = stopped
        self._queue: list[Job] = []
        self._running: dict[Job, Handle] = {}
        self._held: set[str] = set()  # sessions
        self._turns: dict[str, int] = {}  # when, counted in jobs, a session was last served
        self._handed = 0

    @property
    def queued(self) -> int:
        """Jobs that wait."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Jobs the executor has."""
        return len(self._running)

    def submit(self, job: Job) -> None:
        """Queue `job`; stops older previews of the same session and key as `overtaken`.

        Raises RheostatError `bad-message` if the session has a job of that name, `busy` if it has
        too many.
        """
        of_session = [j for j in self._jobs() if j.session == job.session]
        if any(j.id == job.id for j in of_session):
            raise RheostatError(
                "bad-message", f"A job {job.id!r} is not done yet.", "Give each job its own name."
            )
        if len(of_session) >= MAX_QUEUED:
            raise RheostatError(
                "busy",
                f"{len(of_session)} jobs of this connection wait; the limit is {MAX_QUEUED}.",
                "Wait until some are done.",
            )
        for older in of_session:
            if _overtakes(job, older):
                newer = "A newer preview of the same key replaced this one."
                self._stop(older, Error("overtaken", newer, job=older.id))
        # New sessions come before the one just served, but not for ever before those that wait.
        self._turns.setdefault(job.session, self._handed - 1)
        self._queue.append(job)
        self._start()

    def cancel(self, session: str, name: str) -> bool:
        """Stop the session's job `name`; False if it has none."""
        for job in self._jobs():
            if (job.session, job.id) == (session, name):
                self._stop(job, Error("cancelled", "The render was cancelled.", job=job.id))
                return True
        return False

    def drop(self, session: str) -> None:
        """Stop all jobs of a session that is gone."""
        self._held.discard(session)
        self._turns.pop(session, None)
        for job in self._jobs():
            if job.session == session:
                self._stop(job, Error("cancelled", "The connection was closed.", job=job.id))

    def hold(self, session: str, held: bool) -> None:
        """Make no more answers for `session` while `held`."""
        if held == (session in self._held):
            return
        self._held ^= {session}
        for job, handle in self._running.items():
            if job.session == session:
                handle.hold(held)
        self._start()

    def finished(self, job: Job) -> None:
        """The executor gave the last answer of `job`."""
        del self._running[job]
        self._start()

    def report(self) -> dict[str, int]:
        """For `status`: jobs that wait and run."""
        return {"queued": self.queued, "running": self.running}

    def _jobs(self) -> list[Job]:
        return [*self._queue, *self._running]

    def _stop(self, job: Job, reason: Error) -> None:
        if job in self._running:
            self._running[job].cancel(reason)
        else:
            self._queue.remove(job)
            self._stopped(job, reason)

    def _start(self) -> None:
        while ready := [job for job in self._queue if self._is_ready(job)]:
            job = min(ready, key=lambda j: (j.rank, self._turns[j.session]))
            self._handed += 1
            self._turns[job.session] = self._handed
            self._queue.remove(job)
            self._running[job] = self._executor.submit(job)

    def _is_ready(self, job: Job) -> bool:
        rivals = [j for j in self._running if j.session not in self._held and j.rank == job.rank]
        return job.session not in self._held and len(rivals) < self._devices


def _overtakes(newer: Job, older: Job) -> bool:
    if not (isinstance(newer, Rendering) and isinstance(older, Rendering)):
        return False
    purposes = {newer.purpose, older.purpose}
    return purposes == {"preview"} and newer.request.key == older.request.key
