"""Results are changed later: after undo and redo, as copies, from files; a map is painted on."""

from __future__ import annotations

from typing import Any

from hosts.krita.filter import Steps, busy, encoded, named, rows, the_docker, wait
from krita import Krita
from PyQt5.QtCore import QByteArray


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
    yield from painted(document, docker, source, seen)
    return seen


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
    docker.compare.divided.setChecked(False)
    seen["count"] = named(document, "Tiny")
    docker.cancel()
    return None


def layers(document: Any) -> list[list[Any]]:
    """Names and opacities, from the bottom."""
    document.waitForDone()
    return [[n.name(), n.opacity()] for n in document.rootNode().childNodes()]
