"""Overlay: a preview drawn over the canvas; the document knows nothing of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rheostat_client.comparing import Split
from rheostat_client.connection import Region
from rheostat_client.previews import Piece
from rheostat_client.workbench import FOCUS

from .handle import Handle
from .nodes import Opened
from .qt import QtCore, QtGui, QtWidgets

PIXELS = 2.0  # zoom from which single pixels are to be seen, as in Krita
SYNC = 33  # milliseconds between two looks at how the canvas is turned and scaled
CANVASES = ("KisOpenGLCanvas2", "KisQPainterCanvas")
FORMATS = {
    "rgba8": QtGui.QImage.Format.Format_RGBA8888,
    "rgba16": QtGui.QImage.Format.Format_RGBA64,
}


class Overlay(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """Shows pieces of a result where they belong, at any zoom, rotation and mirror.

    Only where something is selected, as the result will be, and right of a divider.
    """

    def __init__(
        self,
        canvas: Any,
        view: Any,
        opened: Opened,
        split: Split,
        divide: Callable[[float], None],
    ) -> None:
        """Over the widget `canvas` of the `view`; `divide` hears where the divider is dragged."""
        super().__init__(canvas)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        self._view, self._split, self._divide = view, split, divide
        self._transform = QtGui.QTransform()
        self._image: Any = None
        self.take(opened)
        timer = QtCore.QTimer(self)
        timer.timeout.connect(self.follow)
        timer.start(SYNC)
        self.show()
        self._handle = Handle(canvas, self._drag)  # after it, so that it lies above
        self.follow()

    @property
    def image(self) -> Any:
        """What came so far, transparent where nothing did."""
        return self._image

    @property
    def transform(self) -> Any:
        """From the document's pixels to the canvas widget's."""
        return self._transform

    def take(self, opened: Opened) -> None:
        """Show pieces of this from now on; older ones stay until then, if they have the size."""
        source = opened.source
        self._source = source
        size = QtCore.QSize(source.width, source.height)
        if self._image is None or self._image.size() != size:
            self._image = QtGui.QImage(size, QtGui.QImage.Format.Format_RGBA8888)
            self._image.fill(0)
        self._cover = _cover(opened)

    def show_piece(self, piece: Piece) -> None:
        """Draw a finished piece."""
        place = QtCore.QRect(piece.x, piece.y, piece.width, piece.height)
        painter = QtGui.QPainter(self._image)
        painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(place.topLeft(), _image(piece))
        if self._cover is not None:
            mode = QtGui.QPainter.CompositionMode.CompositionMode_DestinationIn
            painter.setCompositionMode(mode)
            painter.drawImage(place, self._cover, place)
        painter.end()
        self.update()

    def split(self, split: Split) -> None:
        """Hold that much back."""
        self._split = split
        self._place_handle()
        self.update()

    def focus(self) -> Region | None:
        """The middle of what is in sight, in the source's pixels; None if nothing of it is."""
        back, can_be = self._transform.inverted()
        if not can_be:
            return None
        source = QtCore.QRect(
            self._source.x, self._source.y, self._source.width, self._source.height
        )
        seen = back.mapRect(QtCore.QRectF(self.rect())).toAlignedRect().intersected(source)
        if seen.isEmpty():
            return None
        across, down = min(FOCUS, seen.width()), min(FOCUS, seen.height())
        x = seen.x() - source.x() + (seen.width() - across) // 2
        y = seen.y() - source.y() + (seen.height() - down) // 2
        return x, y, across, down

    def follow(self) -> None:
        """Take the place and the transform that the canvas has now."""
        if self.size() != self.parentWidget().size():
            self.resize(self.parentWidget().size())
        to_image, _ = self._view.flakeToImageTransform().inverted()
        transform = to_image * self._view.flakeToCanvasTransform()
        if transform != self._transform:
            self._transform = transform
            self.update()
        self._place_handle()

    def remove(self) -> None:
        """Take it off the canvas."""
        for widget in (self, self._handle):
            widget.hide()
            widget.deleteLater()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802
        """Draw what came so far, right of the divider."""
        source, columns = self._source, self._split.columns(self._source.width)
        painter = QtGui.QPainter(self)
        painter.setTransform(self._transform)
        zoom = math.hypot(self._transform.m11(), self._transform.m12())
        hint = QtGui.QPainter.RenderHint.SmoothPixmapTransform
        painter.setRenderHint(hint, zoom < PIXELS)
        rest = QtCore.QRect(columns, 0, source.width - columns, source.height)
        painter.drawImage(QtCore.QPoint(source.x + columns, source.y), self._image, rest)
        if 0 < columns < source.width:
            line = QtCore.QLine(
                source.x + columns, source.y, source.x + columns, source.y + source.height
            )
            for colour, style in (
                (QtCore.Qt.GlobalColor.black, QtCore.Qt.PenStyle.SolidLine),
                (QtCore.Qt.GlobalColor.white, QtCore.Qt.PenStyle.DotLine),
            ):
                pen = QtGui.QPen(colour)
                pen.setStyle(style)
                pen.setWidth(2)
                pen.setCosmetic(True)
                painter.setPen(pen)
                painter.drawLine(line)
        painter.end()

    def _place_handle(self) -> None:
        """In the middle of what is in sight of the divider, if there is one."""
        back, can_be = self._transform.inverted()
        if not (can_be and self._split.is_on) or self._split.is_held:
            self._handle.put(None)
            return
        source = self._source
        x = source.x + self._split.columns(source.width)
        column = QtGui.QPolygonF(QtCore.QRectF(x, source.y, 1, source.height))
        seen = back.map(QtGui.QPolygonF(QtCore.QRectF(self.rect()))).intersected(column)
        middle = QtCore.QPointF(x, seen.boundingRect().center().y())
        self._handle.put(None if seen.isEmpty() else self._transform.map(middle).toPoint())

    def _drag(self, point: Any) -> None:
        """Bring the divider to a point of the canvas."""
        back, _ = self._transform.inverted()
        x = back.map(QtCore.QPointF(point)).x()
        self._divide(min(1.0, max(0.0, (x - self._source.x) / self._source.width)))


def canvas_of(window: Any) -> Any:
    """The widget that Krita paints the current document on, or None."""
    area = window.qwindow().centralWidget().findChild(QtWidgets.QMdiArea)
    current = area.currentSubWindow() if area else None
    if current is None:
        return None
    children = current.findChildren(QtWidgets.QWidget)
    return next((w for w in children if w.metaObject().className() in CANVASES), None)


def _cover(opened: Opened) -> Any:
    """The selection where the source is; None without one."""
    selection, source = opened.selection, opened.source
    if selection is None:
        return None
    data = bytes(selection.pixelData(source.x, source.y, source.width, source.height))
    alpha = QtGui.QImage.Format.Format_Alpha8
    return QtGui.QImage(data, source.width, source.height, source.width, alpha).copy()


def _image(piece: Piece) -> Any:
    stride = len(piece.pixels) // piece.height
    form = FORMATS[piece.format]
    return QtGui.QImage(piece.pixels, piece.width, piece.height, stride, form)
