"""Layers of every kind are filtered: depths, alpha, places, groups, selections."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from hosts.krita.filter import Steps, rows, the_docker, wait
from krita import Krita, Selection
from PyQt5.QtCore import QByteArray

SRGB = "sRGB-elle-V2-srgbtrc.icc"


def main(cases: dict[str, dict[str, Any]]) -> Steps:
    """By name of the case: the result's pixels as Krita has them, where it is, undo and redo."""
    krita = Krita.instance()
    window = krita.activeWindow()
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    seen = {}
    for name, case in cases.items():
        size = case["width"], case["height"]
        space = (case.get("model", "RGBA"), case["depth"], case.get("profile", SRGB))
        document = krita.createDocument(*size, name, *space, 300.0)
        window.addView(document)
        yield 1200
        layer = document.createNode("source", "paintlayer")
        data = QByteArray(Path(case["file"]).read_bytes())
        layer.setPixelData(data, case["x"], case["y"], case["across"], case["down"])
        parent = document.rootNode()
        if case["is in a group"]:
            parent = document.createGroupLayer("group")
            document.rootNode().addChildNode(parent, None)
            yield 500
        parent.addChildNode(layer, None)
        yield 700
        if case["selection"]:
            selection = Selection()
            selected = QByteArray(Path(case["selection"]).read_bytes())
            selection.setPixelData(selected, 0, 0, *size)
            document.setSelection(selection)
        document.setActiveNode(layer)
        yield 600
        rows(docker)["noise"].set_value(24.0)
        before, source = names(parent), pixels_of(document, layer)
        docker.button.click()
        yield from wait(lambda: not docker.is_applying)
        yield 600
        seen[name] = outcome(document, parent, layer)
        seen[name]["before"] = before
        seen[name]["is untouched"] = source == pixels_of(document, layer)
        seen[name]["document"] = space_of(document)
        seen[name]["as floats"] = as_floats(layer, *size)
        for step in ("undo", "redo"):
            krita.action(f"edit_{step}").trigger()
            yield 600
            seen[name][step] = names(parent)
        document.setModified(False)
        document.close()
        yield 500
    return seen


def outcome(document: Any, parent: Any, layer: Any) -> dict[str, Any]:
    """The layer directly above the source."""
    children = [n for n in parent.childNodes() if n.type() != "selectionmask"]
    at = [n.uniqueId() for n in children].index(layer.uniqueId()) + 1
    result, bounds = children[at], layer.bounds().intersected(document.bounds())
    box = (bounds.x(), bounds.y(), bounds.width(), bounds.height())
    masks = result.childNodes()
    whole = (0, 0, document.width(), document.height())
    return {
        "box": box,
        "space": space_of(result),
        "names": names(parent),
        "source": base64.b64encode(bytes(layer.pixelData(*box))).decode(),
        "pixels": base64.b64encode(bytes(result.pixelData(*box))).decode(),
        "mask": base64.b64encode(bytes(masks[0].pixelData(*whole))).decode() if masks else "",
    }


def pixels_of(document: Any, layer: Any) -> bytes:
    """All within the document, as Krita has them."""
    return bytes(layer.pixelData(0, 0, document.width(), document.height()))


def space_of(owner: Any) -> list[str]:
    """Colour model, depth and profile of a layer or a document."""
    return [owner.colorModel(), owner.colorDepth(), owner.colorProfile()]


def as_floats(layer: Any, width: int, height: int) -> str:
    """The layer in sRGB, as floats, by Krita's own colour management."""
    draft = Krita.instance().createDocument(width, height, "", "RGBA", "F32", SRGB, 300.0)
    draft.rootNode().addChildNode(layer.clone(), None)
    copy = draft.rootNode().childNodes()[-1]
    copy.setColorSpace("RGBA", "F32", SRGB)
    data = bytes(copy.pixelData(0, 0, width, height))
    draft.setModified(False)
    draft.close()
    return base64.b64encode(data).decode()


def names(parent: Any) -> list[str]:
    """Of the layers, from the bottom."""
    return [n.name() for n in parent.childNodes() if n.type() != "selectionmask"]
