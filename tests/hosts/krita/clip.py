"""A clip is filtered with two keys, cancelled once, undone, redone; the keys come back."""

from __future__ import annotations

import base64
import json
from typing import Any

from hosts.krita.filter import Steps, rows, the_docker, wait
from krita import Krita
from PyQt5.QtCore import QByteArray
from PyQt5.QtGui import QImage


def main(files: list[str], width: int, height: int) -> Steps:
    """What became of the frames."""
    krita = Krita.instance()
    window = krita.activeWindow()
    srgb = "sRGB-elle-V2-srgbtrc.icc"
    document = krita.createDocument(width, height, "clip", "RGBA", "U8", srgb, 300.0)
    window.addView(document)
    yield 1500
    source = yield from animated(document, files)
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    document.setActiveNode(source)
    yield 500
    seen: dict[str, Any] = {"is offered": not docker.clip.isHidden()}
    for frame, noise in ((0, 10.0), (23, 50.0)):
        document.setCurrentTime(frame)
        yield 400
        rows(docker)["noise"].number.setValue(noise)
        docker.clip.key.click()
        yield 200
    document.setCurrentTime(12)
    yield 600
    seen["between"] = docker.values
    before = names(document)
    rows(docker)["noise"].map.choose(before[0])  # maps are for single pictures
    docker.clip.apply.click()
    yield 400
    docker.stop.click()
    yield 1000
    seen["cancelled"] = names(document) == before
    docker.clip.apply.click()
    yield from wait(lambda: not docker.is_applying)
    yield 800
    seen["words"] = docker.status.text()
    seen["before"], seen["applied"] = before, names(document)
    result = document.rootNode().childNodes()[-1]
    records = json.loads(bytes(document.annotation("rheostat-settings")))
    seen["maps"] = [json.loads(record)["maps"] for record in records.values()]
    box = (0, 0, width, height)
    seen["frames"] = [f for f in range(40) if result.hasKeyframeAtTime(f)]
    seen["pixels"] = {
        str(f): base64.b64encode(bytes(result.pixelDataAtTime(*box, f))).decode()
        for f in seen["frames"]
    }
    for step in ("undo", "redo"):
        krita.action(f"edit_{step}").trigger()
        yield 800
        seen[step] = names(document)
    document.setActiveNode(source)
    yield 500
    docker.clip.show_keys({}, docker.model.controls)
    docker.compare.preview.blockSignals(True)
    docker.compare.preview.setChecked(True)
    document.setActiveNode(document.rootNode().childNodes()[-1])
    document.setCurrentTime(3)
    yield 500
    seen["selected"] = [docker.origin.text(), docker.values["noise"], docker.preview is None]
    docker.compare.preview.setChecked(False)
    keys = docker.clip.keys
    document.setActiveNode(source)
    document.setCurrentTime(7)
    yield 500
    docker.clip.show_keys({}, docker.model.controls)
    copy = document.rootNode().childNodes()[-1].duplicate()
    document.rootNode().addChildNode(copy, None)
    document.setActiveNode(copy)
    yield 1000
    seen["is copied"] = docker.clip.keys == keys != {}
    seen["keys"] = {str(frame): values for frame, values in docker.clip.keys.items()}
    return seen


def animated(document: Any, files: list[str]) -> Steps:
    """A layer with the pictures as its frames."""
    layer = document.createNode("clip", "paintlayer")
    document.rootNode().addChildNode(layer, None)
    yield 500
    document.setActiveNode(layer)
    yield 300
    layer.enableAnimation()
    for frame, file in enumerate(files):
        document.setCurrentTime(frame)
        document.waitForDone()
        yield 30
        Krita.instance().action("add_blank_frame").trigger()
        yield 60
        image = QImage(file).convertToFormat(QImage.Format.Format_ARGB32)
        bits = image.constBits()
        bits.setsize(image.sizeInBytes())
        data = QByteArray(bytes(bits))
        layer.setPixelData(data, 0, 0, document.width(), document.height())
    return layer


def names(document: Any) -> list[str]:
    """Of the layers, from the bottom."""
    return [n.name() for n in document.rootNode().childNodes()]
