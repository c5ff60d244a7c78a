"""Draft: a result on its way into the document, filled slice by slice outside of it."""

from __future__ import annotations

from typing import Any

from krita import Krita
from rheostat_client.connection import Rendered
from rheostat_client.texts import _

from . import records
from .loop import WAIT, Steps
from .nodes import Opened, strips
from .qt import QtCore
from .spaces import DEPTHS, SRGB, Converter, Space, space_of, srgb, swapped


def add(opened: Opened, result: Rendered, name: str) -> Steps:
    """Put a result into the document, directly above its source, as one step to undo.

    In place of the subject's old result, if it has one; those are two steps, and what the user has
    made of the old one (masks, opacity, mode, another name) stays. The selection becomes a
    transparency mask. The steps return the new layer's id.
    """
    subject, source = opened.subject, opened.source
    document, old = subject.document, subject.result
    space = space_of(subject.node) if old is None else space_of(old)
    # Built in a document of its own: every child added in this one would be a step of its own.
    draft = Krita.instance().createDocument(1, 1, "Rheostat", *space, 300.0)
    converter = Converter(srgb(result.format), space)
    yield
    try:
        if old is None:
            layer = draft.createNode(name, "paintlayer")
        else:
            layer = old.clone()
            if old.name() == subject.title:
                layer.setName(name)
            _clear(layer)
        yield from fill(layer, result, converter, source.x + result.x, source.y + result.y)
        subject.check()
        made = opened.settings(result.settings, name)
        made = records.marked(document, made, layer, subject.node)
        yield
        subject.check()
        if old is None:
            if opened.selection is not None:
                mask = draft.createTransparencyMask(_("Selection"))
                mask.setSelection(opened.selection)
                layer.addChildNode(mask, None)
            layer = layer.clone()  # the first stays in the draft
        above = old or subject.node
        above.parentNode().addChildNode(layer, above)
        id: str = layer.uniqueId().toString()
        records.remember(document, id, made)
        yield WAIT  # Krita composes and draws it; what is left to do comes after that
        if old is not None:
            old.remove()
        return id
    finally:
        converter.close()
        draft.setModified(False)
        draft.close()


def enlarge(result: Rendered, name: str) -> Steps:
    """Make a document of a result that is larger than its picture; the steps return it, unseen."""
    size = result.width, result.height
    space = Space("RGBA", DEPTHS[result.format], SRGB)
    document = Krita.instance().createDocument(*size, name, *space, 300.0)
    try:
        yield
        layer = document.createNode(name, "paintlayer")
        yield from fill(layer, result, Converter(space, space), 0, 0)
        document.rootNode().addChildNode(layer, None)
        yield
    except BaseException:  # GeneratorExit too, when it is cancelled
        document.setModified(False)
        document.close()
        raise
    return document


def fill(layer: Any, result: Rendered, converter: Converter, x: int, y: int) -> Steps:
    """Write a result into a layer, whose top left pixel is at `x`, `y`; steps for a loop."""
    depth, width = DEPTHS[result.format], result.width
    row = len(result.pixels) // result.height
    for top, rows in strips((0, 0, width, result.height)):
        data = swapped(result.pixels[top * row : (top + rows) * row], depth)
        data = QtCore.QByteArray(converter.convert(data, width, rows))
        layer.setPixelData(data, x, y + top, width, rows)
        yield


def _clear(layer: Any) -> None:
    bounds = layer.bounds()
    if bounds.isEmpty():
        return
    pixel = len(layer.pixelData(bounds.x(), bounds.y(), 1, 1))
    for top, rows in strips((bounds.x(), bounds.y(), bounds.width(), bounds.height())):
        empty = QtCore.QByteArray(bytes(pixel * bounds.width() * rows))
        layer.setPixelData(empty, bounds.x(), top, bounds.width(), rows)
