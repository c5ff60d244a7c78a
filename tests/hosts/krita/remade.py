"""Results are changed later: after undo and redo, as copies, from files; a map is painted on."""

from __future__ import annotations

import subprocess
from typing import Any

from hosts.krita.filter import Steps, busy, encoded, history, named, rows, the_docker, wait
from krita import Krita
from PyQt5.QtCore import QByteArray, QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QTabletEvent
from PyQt5.QtWidgets import QApplication


def main(picture: str) -> Steps:
    """What the sliders and the layers were after each step."""
    krita = Krita.instance()
    window = krita.activeWindow()
    document = krita.openDocument(picture)
    window.addView(document)
    yield 1500
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    rows(docker)["noise"].number.setValue(24.0)
    source = document.rootNode().childNodes()[0]
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    result = document.rootNode().childNodes()[-1]
    result.setOpacity(128)
    copy = result.duplicate()
    copy.setName(f"Copy of {result.name()}")
    document.rootNode().addChildNode(copy, result)
    yield 500
    seen: dict[str, Any] = {}
    seen["copy"] = yield from values_of(document, docker, source, copy)
    rows(docker)["noise"].number.setValue(40.0)
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    seen["layers"] = layers(document)
    again = document.rootNode().childNodes()[-1]
    seen["changed copy"] = yield from values_of(document, docker, source, again)
    for _ in range(2):
        krita.action("edit_undo").trigger()
        yield 500
    seen["undone layers"] = layers(document)
    undone = document.rootNode().childNodes()[-1]
    seen["undone"] = yield from values_of(document, docker, source, undone)
    for _ in range(2):
        krita.action("edit_redo").trigger()
        yield 500
    seen["redone layers"] = layers(document)
    redone = document.rootNode().childNodes()[-1]
    seen["redone"] = yield from values_of(document, docker, source, redone)
    yield from others(document, docker, source, seen)
    yield from painted(document, docker, source, seen)
    return seen


def others(document: Any, docker: Any, source: Any, seen: dict[str, Any]) -> Steps:
    """Copies by Krita and under other names; layers that only look like a result."""
    result = document.rootNode().childNodes()[1]
    bounds = result.bounds()
    document.setActiveNode(result)
    yield 500
    Krita.instance().action("duplicatelayer").trigger()
    yield 700
    copy = document.activeNode()
    seen["Krita's copy"] = [copy != result, (yield from values_of(document, docker, source, copy))]
    copy.setName("Evening")
    seen["renamed copy"] = yield from values_of(document, docker, source, copy)
    copy.remove()
    yield 500

    foreign = document.createNode(result.name(), "paintlayer")
    grey = QByteArray(bytes([90, 90, 90, 255]) * bounds.width() * bounds.height())
    foreign.setPixelData(grey, bounds.x(), bounds.y(), bounds.width(), bounds.height())
    document.rootNode().addChildNode(foreign, result)
    yield 500
    seen["foreign layer"] = yield from values_of(document, docker, source, foreign)
    before = names(document)
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    seen["on a foreign layer"] = [before, names(document)]
    Krita.instance().action("edit_undo").trigger()
    yield 500
    foreign.remove()
    yield 500

    document.setActiveNode(result)
    yield 500
    Krita.instance().action("merge_layer").trigger()
    yield 1000
    merged = document.rootNode().childNodes()[0]
    other = document.rootNode().childNodes()[-1]
    seen["merged"] = [merged != source, (yield from values_of(document, docker, other, merged))]
    Krita.instance().action("edit_undo").trigger()
    yield 800

    document.setActiveNode(source)
    yield 500
    rows(docker)["noise"].set_value(0.0)  # off: the result has the source's pixels
    before = names(document)
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    off = next(n for n in document.rootNode().childNodes() if "noise 0" in n.name())
    seen["off"] = yield from values_of(document, docker, source, off)
    seen["source of an off result"] = yield from values_of(document, docker, off, source)
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    seen["on the source again"] = [before, names(document)]
    for _ in range(2):
        Krita.instance().action("edit_undo").trigger()
        yield 500
    return None


def names(document: Any) -> list[str]:
    """Of the layers, from the bottom."""
    return [n.name() for n in document.rootNode().childNodes()]


def values_of(document: Any, docker: Any, source: Any, layer: Any) -> Steps:
    """Where the sliders go when `layer` is selected."""
    document.setActiveNode(source)
    yield 400
    rows(docker)["noise"].set_value(3.0)
    document.setActiveNode(layer)
    yield 600
    return docker.values["noise"]


def painted(document: Any, docker: Any, source: Any, seen: dict[str, Any]) -> Steps:
    """Paint on a map while its effect is shown, then compare with a divider."""
    sky = document.createNode("Sky", "paintlayer")
    white = QByteArray(bytes([255]) * 4 * 40 * document.height())
    sky.setPixelData(white, 0, 0, 40, document.height())
    document.rootNode().addChildNode(sky, None)
    yield 500
    document.setActiveNode(source)
    yield 500
    docker.compare.preview.setChecked(True)
    rows(docker)["noise"].set_value(24.0)
    rows(docker)["noise"].map.choose("Sky")
    docker.ask()
    yield from wait(lambda: not busy(docker))
    seen["painted"] = encoded(docker.preview.overlay.image)
    document.setActiveNode(sky)
    yield 400
    sky.setPixelData(white, 57, 0, 40, document.height())  # the brush, on the other side
    yield 300
    yield from wait(lambda: not busy(docker))
    yield 300
    seen["painted more"] = encoded(docker.preview.overlay.image)
    overlay = docker.preview.overlay
    seen["whole"] = encoded(overlay.grab().toImage())
    docker.compare.divided.setChecked(True)
    docker.compare.divider.setValue(1000)
    yield 200
    seen["held back"] = encoded(overlay.grab().toImage())
    seen["count"] = named(document, "Tiny")
    yield from dragged(docker, overlay, seen)
    docker.compare.divided.setChecked(False)
    docker.cancel()
    return None


def dragged(docker: Any, overlay: Any, seen: dict[str, Any]) -> Steps:
    """Drag the divider on the canvas, upright and turned; paint beside the handle."""
    window = Krita.instance().activeWindow()
    document = Krita.instance().activeDocument()
    canvas, shown = overlay.parentWidget(), window.activeView().canvas()
    shown.setZoomLevel(4.0)
    knob = next(w for w in canvas.children() if type(w).__name__ == "Handle")
    seen["dragged"] = []
    for rotation in (0, 30):
        shown.setRotation(rotation)
        docker.compare.divider.setValue(500)
        yield 500
        # Along the picture's own x axis by a quarter of its width.
        there = overlay.transform.map(QPointF(document.width() / 4, 0))
        way = there - overlay.transform.map(QPointF(0, 0))
        start = knob.mapToGlobal(knob.rect().center())
        end = start + way.toPoint()
        before = history()
        for words in (
            f"mousemove {start.x()} {start.y()} mousedown 1",
            f"mousemove {end.x()} {end.y()}",
            "mouseup 1",
        ):
            xdotool(words)
            yield 300
        seen["dragged"].append(docker.compare.divider.value())
        assert history() == before  # it was no stroke of the brush
    before = history()
    docker.compare.divider.setValue(500)
    yield 300
    for kind, away in (("Press", 0), ("Move", 1), ("Release", 1)):
        pen(knob, kind, QPointF(knob.rect().center()) + away * way)
        yield 200
    seen["dragged by a pen"] = [docker.compare.divider.value(), history() == before]
    beside = knob.mapToGlobal(knob.rect().center()) + QPoint(60, 40)
    before = history()
    Krita.instance().action("KritaShape/KisToolBrush").trigger()
    yield 300
    for words in (
        f"mousemove {beside.x()} {beside.y()} mousedown 1",
        f"mousemove {beside.x() + 30} {beside.y()}",
        "mouseup 1",
    ):
        xdotool(words)
        yield 300
    yield 700
    seen["painted beside"] = history()[len(before) :]
    Krita.instance().action("edit_undo").trigger()
    yield 500
    shown.setRotation(0)
    docker.compare.preview.setChecked(False)
    yield 300
    seen["knob without preview"] = any(type(w).__name__ == "Handle" for w in canvas.children())
    docker.compare.preview.setChecked(True)
    return None


def pen(widget: Any, kind: str, at: QPointF) -> None:
    """Let a pen press, move or release at a point of a widget."""
    button = Qt.MouseButton.LeftButton
    event = QTabletEvent(
        getattr(QEvent.Type, f"Tablet{kind}"),
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QTabletEvent.TabletDevice.Stylus,
        QTabletEvent.PointerType.Pen,
        0.5,
        *(0, 0, 0.0, 0.0, 0),  # tilt, tangential pressure, rotation, z
        Qt.KeyboardModifier.NoModifier,
        1,
        button,
        button,
    )
    QApplication.sendEvent(widget, event)


def xdotool(words: str) -> None:
    """Let the pointer of the screen do something."""
    subprocess.run(["xdotool", *words.split()], check=True)


def layers(document: Any) -> list[list[Any]]:
    """Names and opacities, from the bottom."""
    document.waitForDone()
    return [[n.name(), n.opacity()] for n in document.rootNode().childNodes()]
