"""A photograph: how long until the first preview, and until each drag is seen on the canvas."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from hosts.krita.filter import Steps, rows, the_docker, wait
from krita import Krita
from PyQt5.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PyQt5.QtWidgets import QStyle, QStyleOptionSlider

SIDE = 64  # pixels of the middle of the picture, which is looked at
SETTLED = 1.2  # seconds
TRAVEL = 7  # pixels of the screen that a drag moves the slider's handle


def main(picture: str, model: str, drags: int) -> Steps:
    """Seconds: `first` from the first drag on, then `later` for each; and what five fast ones do.

    All are dragged with the mouse, from its move to the end of the overlay's painting. `last` is
    from the last of the five to its own pixels, `is last` whether those stay.
    """
    window = Krita.instance().activeWindow()
    document = Krita.instance().openDocument(picture)
    window.addView(document)
    yield 3000  # Krita draws it for the first time
    docker = the_docker(window)
    docker.setVisible(True)
    docker.raise_()
    docker.choose(model)
    yield 1000
    slider = rows(docker)["noise"].slider
    with Mouse(slider) as mouse:
        yield 600
        start = mouse.drag()
        yield from wait(lambda: docker.preview and docker.preview.overlay, every=5)
        sight = Sight(docker.preview.overlay)
        yield from still(sight)
        first = sight.first - start
        later = []
        for _ in range(drags):
            sight.look_away()
            start = mouse.drag()
            yield from still(sight)
            later.append(sight.first - start)
        sight.look_away()
        for _ in range(5):  # faster than anybody renders
            last = mouse.drag()
            yield 30
        value = docker.values["noise"]
        yield from still(sight)
    seen, when = sight.pixels(), sight.last
    for other in (value + 5, value):
        sight.look_away()
        rows(docker)["noise"].number.setValue(other)
        yield from still(sight)
    is_last = seen == sight.pixels()
    docker.cancel()
    return {"first": first, "later": later, "last": when - last, "is last": is_last}


def still(sight: Sight) -> Steps:
    """Until the pixels have changed, and then not any more for a while."""
    yield from wait(lambda: sight.last > 0)
    yield from wait(lambda: time.monotonic() - sight.last > SETTLED)


class Mouse:
    """The pointer of the screen, with its button down on a slider's handle."""

    def __init__(self, slider: Any) -> None:
        self._slider, self._step = slider, TRAVEL
        self._person = subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, text=True)

    def __enter__(self) -> Mouse:
        option = QStyleOptionSlider()
        self._slider.initStyleOption(option)
        style = self._slider.style()
        handle: QRect = style.subControlRect(
            QStyle.ComplexControl.CC_Slider,
            option,
            QStyle.SubControl.SC_SliderHandle,
            self._slider,
        )
        self._at: QPoint = self._slider.mapToGlobal(handle.center())
        self._do(f"mousemove {self._at.x()} {self._at.y()} sleep 0.3 mousedown 1")
        return self

    def __exit__(self, *_: object) -> None:
        self._do("mouseup 1")
        self._person.communicate(timeout=10)

    def drag(self) -> float:
        """Move to another value, and back and forth; returns when."""
        left, goal = self._slider.mapToGlobal(QPoint(0, 0)).x(), self._at.x() + self._step
        if not left + 20 < goal < left + self._slider.width() - 20:
            self._step = -self._step
        self._at += QPoint(self._step, 0)
        start = time.monotonic()
        self._do(f"mousemove {self._at.x()} {self._at.y()}")
        return start

    def _do(self, words: str) -> None:
        assert self._person.stdin is not None
        self._person.stdin.write(f"{words}\n")
        self._person.stdin.flush()


class Sight(QObject):  # type: ignore[misc]  # PyQt has no types
    """Watches the middle of the picture in an overlay as it is painted."""

    def __init__(self, overlay: Any) -> None:
        super().__init__(overlay)
        self._overlay, self._before = overlay, bytes(4 * SIDE * SIDE)
        self.first = self.last = 0.0
        overlay.installEventFilter(self)

    def look_away(self) -> None:
        """Note from now on when other pixels were painted, `first` and `last`."""
        self._before, self.first, self.last = self.pixels(), 0.0, 0.0

    def pixels(self) -> bytes:
        """The middle, as it is drawn."""
        size = self._overlay.image.size()
        x, y = (size.width() - SIDE) // 2, (size.height() - SIDE) // 2
        part = self._overlay.image.copy(x, y, SIDE, SIDE)
        bits = part.constBits()
        bits.setsize(part.sizeInBytes())
        return bytes(bits)

    def eventFilter(self, _overlay: Any, event: Any) -> bool:  # noqa: N802
        """Note the time once Qt has painted what has changed."""
        if event.type() == QEvent.Type.Paint:
            pixels = self.pixels()
            if pixels != self._before:
                self._before = pixels
                QTimer.singleShot(0, self._painted)
        return False

    def _painted(self) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
