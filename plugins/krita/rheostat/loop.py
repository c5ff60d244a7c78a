"""Loop: Qt's, as sessions want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .qt import QtCore


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
