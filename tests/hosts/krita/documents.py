"""Documents and selections change while results are made; a result is enlarged."""

from __future__ import annotations

import base64
import sys
from typing import Any

from hosts.krita.filter import Steps, busy, encoded, layers, rows, the_docker, wait
from krita import Krita, Selection
from PyQt5.QtCore import QByteArray


def main(picture: str) -> Steps:
    """What became of each result."""
    krita = Krita.instance()
    window = krita.activeWindow()
    document = krita.openDocument(picture)
    window.addView(document)
    yield 1500
    docker = the_docker(window)
    docker.setVisible(True)
    docker.compare.preview.setChecked(False)
    seen: dict[str, Any] = {"source": layers(document)[0]["pixels"]}
    yield from selections(document, docker, seen)

    docker.choose("tiny")
    yield from begin(docker)
    docker.choose("upscaler")
    other = krita.openDocument(picture)
    window.addView(other)
    yield from wait(lambda: not docker.is_applying)
    yield 500
    seen["layers"] = [len(layers(each)) for each in (document, other)]
    docker.choose("tiny")
    yield from begin(docker)
    other.setModified(False)
    other.close()
    seen["is busy without its document"] = docker.is_applying
    yield 1000

    before = len(krita.documents())
    docker.choose("upscaler")
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 1000
    large = krita.activeDocument()
    seen["enlarged"] = {
        "size": [large.width(), large.height()],
        "documents": len(krita.documents()) - before,
        "pixels": layers(large)[-1]["pixels"],
    }
    return seen


def selections(document: Any, docker: Any, seen: dict[str, Any]) -> Steps:
    """Something else is selected during Apply, and when the result is changed later."""
    docker.choose("tiny")
    rows(docker)["noise"].set_value(24.0)
    source = document.rootNode().childNodes()[0]
    yield from begin(docker)
    yield from wait(lambda: not docker.is_applying)
    yield 500
    document.setActiveNode(source)
    yield 300
    select(document, 20, 10, 40, 30)
    yield from begin(docker)
    select(document, 0, 0, 5, 5)
    yield from wait(lambda: not docker.is_applying)
    yield 500
    part = document.rootNode().childNodes()[1]
    (mask,) = part.childNodes()
    box = (0, 0, document.width(), document.height())
    seen["mask"] = base64.b64encode(bytes(mask.pixelData(*box))).decode()
    for name, at in (("part", 1), ("whole", 2)):
        document.setActiveNode(document.rootNode().childNodes()[at])
        yield 500
        rows(docker)["noise"].set_value(40.0)
        yield from begin(docker)
        yield from wait(lambda: not docker.is_applying)
        yield 500
        seen[name] = layers(document)[at]["pixels"]
    document.setActiveNode(source)
    select(document, 20, 10, 40, 30)
    yield 500
    docker.compare.preview.setChecked(True)
    yield from wait(lambda: not busy(docker))
    selection = document.selection()
    selection.setPixelData(QByteArray(bytes(100)), 30, 20, 10, 10)
    document.setSelection(selection)
    looks = docker.preview._looks + vars(sys.modules["rheostat.nodes"])["PHASES"]
    yield from wait(lambda: docker.preview._looks >= looks)
    yield from wait(lambda: not busy(docker))
    seen["with a hole"] = encoded(docker.preview.overlay.image)
    docker.compare.preview.setChecked(False)
    document.setSelection(None)
    yield 500
    return None


def begin(docker: Any) -> Steps:
    """Click Apply, and wait until the pixels are read."""
    docker.button.click()
    apply = docker._apply  # which may be over before the next look
    yield from wait(lambda: apply._bench, every=1)
    return None


def select(document: Any, *box: int) -> None:
    """Select a box by four fifths."""
    selection = Selection()
    selection.select(*box, 204)
    document.setSelection(selection)
