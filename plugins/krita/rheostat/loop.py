"""Loop: Qt's, as sessions want it, and long work in short turns."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from typing import Any

from rheostat_client.errors import RheostatError

from .qt import QtCore

TURN = 0.02  # seconds that work may keep Krita from its own before it waits for the next turn
WAIT = True  # what a step yields that waits for something, instead of nothing
Steps = Generator[Any, None, Any]


class QtLoop(QtCore.QObject):  # type: ignore[misc]  # PyQt has no types
    """The loop that Krita runs."""

    _asked = QtCore.pyqtSignal(object)

    def __init__(self, parent: Any) -> None:
        """Live as long as `parent`, in its thread."""
        super().__init__(parent)
        queued = QtCore.Qt.ConnectionType.QueuedConnection
        self._asked.connect(lambda act: act(), queued)

    def soon(self, act: Callable[[], None]) -> None:
        """Call once from the loop; may be asked from any thread."""
        self._asked.emit(act)

    def repeat(self, milliseconds: int, act: Callable[[], bool]) -> None:
        """Call from the loop every so often, until it gives False."""
        timer = QtCore.QTimer(self)

        def tick() -> None:
            if not act():
                timer.stop()
                timer.deleteLater()

        timer.timeout.connect(tick)
        timer.start(milliseconds)

    def work(self, steps: Steps, done: Callable[[Any], None], tell: Callable[[Any], None]) -> Work:
        """Go through `steps` in short turns, later; `done` gets what they return.

        `tell` gets a RheostatError that they raise.
        """
        work = Work(steps, done, tell)
        self.repeat(1, work.turn)
        return work


class Work:
    """Steps on their way, which can be stopped."""

    def __init__(
        self, steps: Steps, done: Callable[[Any], None], tell: Callable[[Any], None]
    ) -> None:
        """Use `QtLoop.work` instead."""
        self._steps: Steps | None = steps
        self._done, self._tell = done, tell

    def stop(self) -> None:
        """Leave the rest undone; nobody is told. Krita may call this from within a step."""
        steps, self._steps = self._steps, None  # first: what they close may call this again
        if steps is not None and inspect.getgeneratorstate(steps) != inspect.GEN_RUNNING:
            steps.close()

    def turn(self) -> bool:
        """Some of the steps; whether there are more."""
        steps, deadline = self._steps, time.monotonic() + TURN
        try:
            while steps is not None and steps is self._steps:
                if next(steps) is WAIT or time.monotonic() > deadline:
                    break
        except (StopIteration, RheostatError) as end:
            is_stopped, self._steps = self._steps is None, None
            if not is_stopped and isinstance(end, StopIteration):
                self._done(end.value)
            elif not is_stopped:
                self._tell(end)
        if steps is not None and self._steps is None:
            steps.close()  # they were stopped within one of them
        return self._steps is not None
