"""Nodes as bytes: everything the plug-in reads from and writes to a document."""

from __future__ import annotations

import json
from array import array
from dataclasses import replace
from typing import Any, NamedTuple

from krita import Krita
from rheostat_client.connection import Rendered
from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings

from .qt import QtCore, QtGui

SRGB = "sRGB-elle-V2-srgbtrc.icc"
ALIKE = {SRGB, "sRGB built-in", "sRGB IEC61966-2.1"}  # profiles whose values are the networks' own
FORMATS = {"U8": "rgba8", "U16": "rgba16", "F32": "rgba32f"}
MAX_BYTES = 2**31 - 1  # of one read; Krita crashes beyond
NO_PIXELS = ("transparencymask", "selectionmask", "filtermask", "transformmask", "colorizemask")


class Source(NamedTuple):
    """A node's pixels as the client takes them, and where they stand in the document."""

    node: Any
    data: bytes
    format: str
    x: int
    y: int
    width: int
    height: int

    @property
    def depth(self) -> str:
        """Krita's name of the depth."""
        return next(depth for depth, form in FORMATS.items() if form == self.format)


def read(document: Any, node: Any, depth: str = "F32") -> Source:
    """What the node shows within the document, sRGB-encoded. Groups, vector and file layers too.

    What is not sRGB of 8, 16 or 32 bits is converted to `depth`. RheostatError `bad-picture` if
    there is nothing to filter, or too much.
    """
    if node is None or node.type() in NO_PIXELS:
        raise _refuse("The selected layer has no colours.", "Select a layer, not a mask.")
    document.waitForDone()
    box = node.bounds().intersected(document.bounds())
    if box.isEmpty():
        raise _refuse(f"'{node.name()}' is empty.", "Paint on it first.")
    if box.width() * box.height() * 16 > MAX_BYTES:
        raise _refuse(
            f"'{node.name()}' is {box.width()} × {box.height()} pixels; "
            f"{MAX_BYTES // 16} in all can be.",
            "Crop the layer, or scale the image.",
        )
    rect = (box.x(), box.y(), box.width(), box.height())
    if _is_plain(node) and (depth == "F32" or node.colorDepth() != "F32"):
        depth, data = node.colorDepth(), node.projectionPixelData(*rect)
    else:
        data = _converted(document, node, depth, rect)
    return Source(node, swapped(bytes(data), depth), FORMATS[depth], *rect)


def maps(document: Any) -> list[Any]:
    """Everything that can be a map: layers and masks, from the top."""
    found: list[Any] = []

    def gather(nodes: list[Any]) -> None:
        for node in reversed(nodes):
            if node.type() != "selectionmask":
                found.append(node)
                gather(node.childNodes())

    gather(document.rootNode().childNodes())
    return found


def read_map(document: Any, node: Any, source: Source) -> tuple[bytes, str, int, int]:
    """The node as grey where the source is; black outside and where it is transparent."""
    document.waitForDone()
    size = source.width, source.height
    if node.type().endswith("mask"):
        return bytes(node.pixelData(source.x, source.y, *size)), "gray8", *size
    data = bytes(node.projectionPixelData(source.x, source.y, *size))
    if not _is_plain(node) or node.colorDepth() != "U8":
        data = _converted(document, node, "U8", (source.x, source.y, *size))
    colours = QtGui.QImage(data, *size, 4 * size[0], QtGui.QImage.Format.Format_ARGB32)
    ground = QtGui.QImage(*size, QtGui.QImage.Format.Format_RGB32)
    ground.fill(QtCore.Qt.GlobalColor.black)
    painter = QtGui.QPainter(ground)
    painter.drawImage(0, 0, colours)
    painter.end()
    grey = ground.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    bits = grey.constBits()
    bits.setsize(grey.sizeInBytes())
    rows, stride = bytes(bits), grey.bytesPerLine()
    return b"".join(rows[y * stride : y * stride + size[0]] for y in range(size[1])), "gray8", *size


def apply(
    document: Any,
    source: Source,
    rendered: Rendered,
    name: str,
    painted: dict[str, Any],
    old: Any = None,
) -> str:
    """A new layer of the rendered pixels directly above its source, as one step to undo.

    `painted` has the nodes that were its maps, by control id. With `old`, a result made before, in
    its place instead. The selection becomes a transparency mask. Returns the new layer's id.
    """
    if source.node.parentNode() is None:
        raise _refuse("The layer was deleted while it was filtered.", "Undo, and filter again.")
    krita = Krita.instance()
    size = document.width(), document.height()
    # Built in a document of its own: every child added in this one would be a step of its own.
    draft = krita.createDocument(*size, "Rheostat", "RGBA", source.depth, SRGB, 300.0)
    layer = draft.createNode(name, "paintlayer")
    data = swapped(rendered.pixels, source.depth)
    at = (source.x + rendered.x, source.y + rendered.y)
    bytes_ = QtCore.QByteArray(data)
    layer.setPixelData(bytes_, *at, rendered.width, rendered.height)
    selection = document.selection()
    if selection is not None:
        mask = draft.createTransparencyMask("Selection")
        mask.setSelection(selection.duplicate())  # its own: the other is the user's
        layer.addChildNode(mask, None)
    copy = layer.clone()
    name_of_copy: str = copy.uniqueId().toString()
    above = old or source.node
    above.parentNode().addChildNode(copy, above)
    if old is not None:
        old.remove()
    origin = {"id": source.node.uniqueId().toString(), "name": source.node.name()}
    noted = {control: {"name": node.name()} for control, node in painted.items()}
    settings = replace(Settings.from_json(rendered.settings), source=origin, maps=noted)
    remember(document, name_of_copy, settings)
    draft.setModified(False)
    draft.close()
    return name_of_copy


def enlarge(source: Source, rendered: Rendered, name: str) -> None:
    """Show the rendered pixels as a new document."""
    krita = Krita.instance()
    size = rendered.width, rendered.height
    document = krita.createDocument(*size, name, "RGBA", source.depth, SRGB, 300.0)
    layer = document.createNode(name, "paintlayer")
    data = QtCore.QByteArray(swapped(rendered.pixels, source.depth))
    layer.setPixelData(data, 0, 0, *size)
    document.rootNode().addChildNode(layer, None)
    krita.activeWindow().addView(document)
    document.refreshProjection()


def remember(document: Any, layer: str, settings: Settings) -> None:
    """Note in the document what made the layer of that id."""
    records = _records(document)
    records[layer] = settings.to_json()
    data = QtCore.QByteArray(json.dumps(records, sort_keys=True).encode())
    document.setAnnotation(PARASITE, "Settings of Rheostat's layers", data)


def record(document: Any, node: Any) -> Settings | None:
    """The settings that made the node; None if no filter did, or if they are damaged."""
    text = _records(document).get(node.uniqueId().toString())
    try:
        return Settings.from_json(text) if text else None
    except RheostatError:
        return None


def origin(document: Any, settings: Settings) -> Any:
    """The node a result was made from; RheostatError `no-source` if it is gone."""
    source = settings.source
    known = QtCore.QUuid(str(source.get("id", "")))
    found = None if known.isNull() else document.nodeByUniqueID(known)
    found = found or document.nodeByName(str(source.get("name", "")))
    if found is None:
        raise RheostatError(
            "no-source",
            f"The layer '{source.get('name', '?')}' is not in this document any more.",
            "Undo its deletion, or filter another layer.",
        )
    return found


def swapped(data: bytes, depth: str) -> bytes:
    """RGBA for BGRA and the other way round, in the depths in which Krita keeps blue first."""
    if depth == "F32":
        return data
    values = array("B" if depth == "U8" else "H", data)
    values[0::4], values[2::4] = values[2::4], values[0::4]
    return values.tobytes()


def _is_plain(node: Any) -> bool:
    known = node.colorDepth() in FORMATS and node.colorProfile() in ALIKE
    return bool(node.colorModel() == "RGBA" and known)


def _converted(document: Any, node: Any, depth: str, rect: tuple[int, int, int, int]) -> bytes:
    """The node's colours as sRGB, by Krita's own colour management."""
    size = document.width(), document.height()
    draft = Krita.instance().createDocument(*size, "Rheostat", "RGBA", depth, SRGB, 300.0)
    draft.rootNode().addChildNode(node.clone(), None)
    copy = draft.rootNode().childNodes()[-1]  # the clone itself knows no document
    copy.setColorSpace("RGBA", depth, SRGB)
    draft.waitForDone()
    data = bytes(copy.projectionPixelData(*rect))
    draft.setModified(False)
    draft.close()
    return data


def _records(document: Any) -> dict[str, str]:
    try:
        records = json.loads(bytes(document.annotation(PARASITE)) or b"{}")
    except ValueError:
        return {}
    return records if isinstance(records, dict) else {}


def _refuse(message: str, remedy: str) -> RheostatError:
    return RheostatError("bad-picture", message, remedy)
