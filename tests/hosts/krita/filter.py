"""A person filters a layer in the docker: drags, cancels, applies, undoes, and changes it later."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Generator
from typing import Any

from krita import Krita, Selection
from PyQt5.QtCore import QByteArray
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QAbstractItemView

PATIENCE = 60.0  # seconds
Steps = Generator[int, None, Any]


def main(picture: str, shots: str, file: str, daemon: int) -> Steps:
    """What was seen after each step."""
    krita = Krita.instance()
    document = krita.openDocument(picture)
    window = krita.activeWindow()
    window.addView(document)
    yield 1500
    docker = the_docker(window)
    docker.setVisible(True)
    docker.raise_()
    docker.choose("tiny")
    yield 300
    seen: dict[str, Any] = {"opened": state(document)}

    gaps = Gaps()
    for value in (12.0, 70.0, 31.0, 55.0, 24.0):  # faster than anybody renders
        rows(docker)["noise"].number.setValue(value)
        yield 30
    yield from wait(lambda: not busy(docker))
    seen["dragged"] = encoded(docker.preview.overlay.image)
    seen["longest gap"] = gaps.longest()
    document.waitForDone()
    window.qwindow().grab().save(f"{shots}/krita-docker.png")
    seen["transforms"] = yield from transforms(docker, window)
    docker.cancel()
    yield 300
    seen["cancelled"] = state(document)

    docker.button.click()
    yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
    yield 500
    seen["applied"] = state(document)
    window.qwindow().grab().save(f"{shots}/krita-result.png")
    krita.action("edit_undo").trigger()
    yield 500
    seen["undone"] = state(document)
    krita.action("edit_redo").trigger()
    yield 500
    seen["redone"] = state(document)

    document.setBatchmode(True)
    document.saveAs(file)
    document.waitForDone()
    document.setModified(False)
    document.close()
    yield 500
    document = krita.openDocument(file)
    window.addView(document)
    yield 1500
    rows(docker)["noise"].set_value(5.0)
    result = document.rootNode().childNodes()[-1]
    document.setActiveNode(document.rootNode().childNodes()[0])
    yield 600
    document.setActiveNode(result)
    yield 600
    seen["settings of the result"] = docker.values
    rows(docker)["noise"].number.setValue(40.0)
    yield from wait(lambda: not busy(docker))
    docker.button.click()
    before = result.uniqueId().toString()
    yield from wait(lambda: document.rootNode().childNodes()[-1].uniqueId().toString() != before)
    yield 500
    seen["retuned"] = state(document)

    selection = Selection()
    selection.select(20, 10, 40, 30, 200)
    document.setSelection(selection)
    document.setActiveNode(document.rootNode().childNodes()[0])
    yield 600
    docker.button.click()
    yield from wait(lambda: named(document, "Tiny") == 2)
    yield 500
    document.setSelection(None)
    sky = document.createNode("Sky", "paintlayer")
    left = QByteArray(bytes([255]) * 4 * 40 * document.height())
    sky.setPixelData(left, 0, 0, 40, document.height())
    document.rootNode().addChildNode(sky, None)
    yield 500
    sky.setVisible(False)
    document.setActiveNode(document.rootNode().childNodes()[0])
    yield 600
    rows(docker)["noise"].map.choose("Sky")
    docker.ask()
    yield from wait(lambda: not busy(docker))
    seen["painted"] = encoded(docker.preview.overlay.image)
    docker.button.click()
    yield from wait(lambda: named(document, "Tiny") == 3)
    yield 500
    newest = document.rootNode().childNodes()[1]
    seen["painted record"] = bytes(document.annotation("rheostat-settings")).decode()
    seen["painted layer"] = newest.uniqueId().toString()
    rows(docker)["noise"].map.choose("")
    docker.cancel()

    docker._presets.save("evening")
    rows(docker)["noise"].set_value(3.0)
    docker._presets.list.activated.emit(docker._presets.list.findText("evening"))
    seen["preset"] = docker.values
    docker.cancel()
    yield 300

    calm = state(document)
    os.kill(daemon, signal.SIGKILL)
    gaps = Gaps()
    rows(docker)["noise"].number.setValue(50.0)
    yield 3000
    seen["longest gap without a daemon"] = gaps.longest()
    rows(docker)["noise"].number.setValue(24.0)  # a new daemon is started for it
    yield from wait(lambda: not busy(docker))
    docker.cancel()
    yield 300
    seen["untouched by the death"] = state(document) == calm
    layer = next(n for n in document.rootNode().childNodes() if n.childNodes())
    (mask,) = layer.childNodes()
    box = (0, 0, document.width(), document.height())
    seen["mask"] = base64.b64encode(bytes(mask.pixelData(*box))).decode()
    return seen


def the_docker(window: Any) -> Any:
    """Rheostat's docker in the window."""
    (found,) = (d for d in window.dockers() if d.objectName() == "rheostat_docker")
    return found


def rows(docker: Any) -> dict[str, Any]:
    """The rows of sliders by control id."""
    return {row.control.id: row for row in docker._rows}


def busy(docker: Any) -> bool:
    """Whether a preview is still coming."""
    return docker.preview is None or not docker.preview.is_complete


def state(document: Any) -> dict[str, Any]:
    """Layers from the bottom with their pixels, modified or not, and what can be undone."""
    return {"layers": layers(document), "modified": document.modified(), "undo": history()}


def layers(document: Any) -> list[dict[str, str]]:
    """Paint layers from the bottom with their pixels."""
    document.waitForDone()
    box = (0, 0, document.width(), document.height())
    return [
        {"name": n.name(), "pixels": base64.b64encode(bytes(n.pixelData(*box))).decode()}
        for n in document.rootNode().childNodes()
        if n.type() == "paintlayer"
    ]


def history() -> list[str]:
    """The steps that can be undone in the document in front, oldest first, by Krita's names."""
    (docker,) = (d for d in Krita.instance().dockers() if d.objectName() == "History")
    view = docker.findChild(QAbstractItemView)
    rows = range(1, view.currentIndex().row() + 1)  # the first one is the document as it was opened
    return [view.model().index(row, 0).data() for row in rows]


def named(document: Any, start: str) -> int:
    """Layers whose name starts like this."""
    return sum(n.name().startswith(start) for n in document.rootNode().childNodes())


def transforms(docker: Any, window: Any) -> Steps:
    """Where the overlay draws the picture's corner and where Krita does, however it is turned."""
    found = []
    canvas, view = window.activeView().canvas(), window.activeView()
    for zoom, rotation, mirror in ((0.5, 0, False), (1, 30, False), (2, 0, True), (0.7, 110, True)):
        canvas.setZoomLevel(zoom)
        canvas.setRotation(rotation)
        canvas.setMirror(mirror)
        yield 400
        to_image, _ = view.flakeToImageTransform().inverted()
        wanted = to_image * view.flakeToCanvasTransform()
        drawn = docker.preview.overlay.transform
        corners = [(0.0, 0.0), (90.0, 60.0)]
        found.append([[list(t.map(x, y)) for x, y in corners] for t in (drawn, wanted)])
    return found


def encoded(image: QImage) -> str:
    """RGBA bytes of a picture."""
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return base64.b64encode(bytes(bits)).decode()


def wait(look: Any, every: int = 50) -> Steps:
    """Until `look()` is true, looking every so many milliseconds."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        (docker,) = (d for d in Krita.instance().dockers() if d.objectName() == "rheostat_docker")
        assert time.monotonic() < deadline, f"it did not come: {docker.status.text()}"
        yield every
    return None


class Gaps:
    """How long Krita's loop was kept from other work, at most."""

    def __init__(self) -> None:
        from PyQt5.QtCore import QTimer

        self._last, self._longest = time.monotonic(), 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(5)

    def _tick(self) -> None:
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now

    def longest(self) -> float:
        """Seconds."""
        self._timer.stop()
        return self._longest
