"""Loop: Qt's, as sessions want it, and long work in short turns."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.texts import _

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

        `tell` gets a RheostatError that they raise, or one that stands for what they should not.
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
        except StopIteration as end:
            self._end(self._done, end.value)
        except RheostatError as error:
            self._end(self._tell, error)
        except Exception as error:
            self._end(self._tell, _fault(error))
            raise  # to Krita, which shows where it was
        if steps is not None and self._steps is None:
            steps.close()  # they were stopped within one of them
        return self._steps is not None

    def _end(self, hear: Callable[[Any], None], what: Any) -> None:
        """Let somebody hear of the end, unless they were stopped."""
        steps, self._steps = self._steps, None
        if steps is not None:
            hear(what)


def _fault(error: Exception) -> RheostatError:
    return RheostatError(
        "internal",
        _("The plug-in failed ({error}).").format(error=f"{type(error).__name__}: {error}"),
        _("Try again."),
    )
