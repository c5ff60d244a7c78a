"""Handle: what a hand drags the divider with, on the canvas itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rheostat_client.texts import _

from .qt import QtCore, QtGui, QtWidgets

SIDE = 22  # pixels of the screen


class Handle(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """A round knob. Only here the mouse is ours; all around it reaches Krita's canvas."""

    def __init__(self, canvas: Any, moved: Callable[[Any], None]) -> None:
        """Over the widget `canvas`; `moved` hears at which of its points the knob is dragged."""
        super().__init__(canvas)
        self._moved = moved
        self._grip = QtCore.QPoint()  # from the knob's middle to where it was taken
        self.resize(SIDE, SIDE)
        self.setCursor(QtCore.Qt.CursorShape.OpenHandCursor)
        self.setToolTip(_("Drag the divider"))
        self.hide()

    def put(self, middle: Any) -> None:
        """Be there, a point of the canvas; nowhere if it is None."""
        if middle is not None:
            self.move(middle - self.rect().center())
        self.setVisible(middle is not None)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Take the knob; whatever button it is, the canvas does not hear of it."""
        self._grip = _place(event) - self.rect().center()

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        """Drag it."""
        if event.buttons() & QtCore.Qt.MouseButton.LeftButton:
            self._moved(self.mapToParent(_place(event) - self._grip))

    def mouseReleaseEvent(self, _event: Any) -> None:  # noqa: N802
        """Let go of it; a stroke of the brush would end otherwise."""

    def tabletEvent(self, event: Any) -> None:  # noqa: N802
        """A pen does what the mouse does; the canvas would take it for a stroke."""
        kind = QtCore.QEvent.Type
        acts = {kind.TabletPress: self.mousePressEvent, kind.TabletMove: self.mouseMoveEvent}
        acts.get(event.type(), self.mouseReleaseEvent)(event)
        event.accept()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802
        """A white disc with a dark rim, seen on every picture."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(QtCore.Qt.GlobalColor.black, 2))
        painter.setBrush(QtCore.Qt.GlobalColor.white)
        painter.drawEllipse(self.rect().adjusted(2, 2, -3, -3))
        painter.end()


def _place(event: Any) -> Any:
    """Where it is, in the widget's pixels; Qt 6 has another name for it."""
    return event.position().toPoint() if hasattr(event, "position") else event.pos()
