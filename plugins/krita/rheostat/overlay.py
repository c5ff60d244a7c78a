"""Overlay: a preview drawn over the canvas; the document knows nothing of it."""

from __future__ import annotations

from typing import Any

from rheostat_client.previews import Piece

from .nodes import Source
from .qt import QtCore, QtGui, QtWidgets

SYNC = 33  # milliseconds between two looks at how the canvas is turned and scaled
CANVASES = ("KisOpenGLCanvas2", "KisQPainterCanvas")
FORMATS = {
    "rgba8": QtGui.QImage.Format.Format_RGBA8888,
    "rgba16": QtGui.QImage.Format.Format_RGBA64,
}


class Overlay(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """Shows pieces of a result where they belong, at any zoom, rotation and mirror."""

    def __init__(self, canvas: Any, view: Any, source: Source) -> None:
        """Over the widget `canvas` of the `view`, for pieces of `source`."""
        super().__init__(canvas)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        self._view, self._source = view, source
        size = QtCore.QSize(source.width, source.height)
        self._image = QtGui.QImage(size, QtGui.QImage.Format.Format_RGBA8888)
        self._image.fill(0)
        self._transform = QtGui.QTransform()
        timer = QtCore.QTimer(self)
        timer.timeout.connect(self.follow)
        timer.start(SYNC)
        self.follow()
        self.show()

    def show_piece(self, piece: Piece) -> None:
        """Draw a finished piece."""
        x, y = piece.x, piece.y
        painter = QtGui.QPainter(self._image)
        painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(x, y, _image(piece))
        painter.end()
        self.update()

    def follow(self) -> None:
        """Take the place and the transform that the canvas has now."""
        if self.size() != self.parentWidget().size():
            self.resize(self.parentWidget().size())
        to_image, _ = self._view.flakeToImageTransform().inverted()
        transform = to_image * self._view.flakeToCanvasTransform()
        if transform != self._transform:
            self._transform = transform
            self.update()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802
        """Draw what came so far."""
        painter = QtGui.QPainter(self)
        painter.setTransform(self._transform)
        painter.drawImage(self._source.x, self._source.y, self._image)
        painter.end()


def canvas_of(window: Any) -> Any:
    """The widget that Krita paints the current document on, or None."""
    area = window.qwindow().centralWidget().findChild(QtWidgets.QMdiArea)
    current = area.currentSubWindow() if area else None
    if current is None:
        return None
    children = current.findChildren(QtWidgets.QWidget)
    return next((w for w in children if w.metaObject().className() in CANVASES), None)


def _image(piece: Piece) -> Any:
    stride = len(piece.pixels) // piece.height
    form = FORMATS[piece.format]
    return QtGui.QImage(piece.pixels, piece.width, piece.height, stride, form)
