"""The contract: what the plug-in relies on in Krita. It holds for the fake and for the real one.

A property is a generator, since real Krita works only between its steps (`yield` milliseconds).
"""

from __future__ import annotations

import struct
import tempfile
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

SRGB = "sRGB-elle-V2-srgbtrc.icc"
RED = bytes([0, 0, 255, 255])  # U8 is blue, green, red, alpha
Steps = Generator[int, None, Any]


class Host:
    """A Krita, its Qt, and the documents that a property has opened."""

    def __init__(self, krita: Any, core: Any) -> None:
        """The modules `krita` and `QtCore`."""
        self.module, self.core = krita, core
        self.krita = krita.Krita.instance()
        self.documents: list[Any] = []

    def document(self, depth: str = "U8", is_shown: bool = False) -> Steps:
        """A new one of 8 × 6 pixels."""
        document = self.krita.createDocument(8, 6, "contract", "RGBA", depth, SRGB, 300.0)
        self.documents.append(document)
        if is_shown:
            self.krita.activeWindow().addView(document)
            yield 1000
        return document

    def layer(self, document: Any, name: str = "layer", pixel: bytes = RED) -> Any:
        """A paint layer that is not in the document yet; its box is 5 × 4 pixels at 1, 1."""
        layer = document.createNode(name, "paintlayer")
        layer.setPixelData(self.core.QByteArray(pixel * 20), 1, 1, 5, 4)
        return layer

    def close(self, document: Any) -> None:
        """Close what was opened, whether it was saved or not."""
        self.documents = [each for each in self.documents if each is not document]
        document.setModified(False)
        document.close()


PROPERTIES: dict[str, Callable[[Host], Steps]] = {}


def holds(check: Callable[[Host], Steps]) -> Callable[[Host], Steps]:
    """Make a function part of the contract."""
    PROPERTIES[check.__name__] = check
    return check


def broken(host: Host) -> Steps:
    """What is wrong, by the name of the property; an empty text if nothing is."""
    found = {}
    for name, check in PROPERTIES.items():
        found[name] = ""
        try:
            yield from check(host)
        except Exception:
            found[name] = traceback.format_exc()
        for document in host.documents:
            host.close(document)
        yield 200
    return found


@holds
def pixels_of_whole_numbers_have_blue_first(host: Host) -> Steps:
    document = yield from host.document()
    for depth, red in (
        ("U16", struct.pack("<4H", 0, 0, 65535, 65535)),
        ("F32", struct.pack("<4f", 1, 0, 0, 1)),
    ):
        layer = host.layer(document)
        layer.setColorSpace("RGBA", depth, SRGB)
        assert bytes(layer.pixelData(1, 1, 1, 1)) == red
        layer.setColorSpace("RGBA", "U8", SRGB)
        assert bytes(layer.pixelData(1, 1, 1, 1)) == RED


@holds
def a_space_is_what_was_asked_for(host: Host) -> Steps:
    for depth in ("U8", "U16", "F32"):
        document = yield from host.document(depth)
        layer = document.createNode("layer", "paintlayer")
        space = (layer.colorModel(), layer.colorDepth(), layer.colorProfile())
        assert space == ("RGBA", depth, SRGB)


@holds
def a_layer_is_as_large_as_what_is_painted(host: Host) -> Steps:
    document = yield from host.document()
    layer = document.createNode("layer", "paintlayer")
    assert layer.bounds().isEmpty()
    layer.setPixelData(host.core.QByteArray(RED * 20), -3, -2, 5, 4)
    assert layer.bounds() == host.core.QRect(-3, -2, 5, 4)
    assert bytes(layer.pixelData(-4, -2, 2, 1)) == bytes(4) + RED
    assert document.bounds() == host.core.QRect(0, 0, 8, 6)


@holds
def painting_is_neither_a_change_nor_a_step(host: Host) -> Steps:
    document = yield from host.document(is_shown=True)
    layer = document.rootNode().childNodes()[0]
    document.setModified(False)
    undo = host.krita.action("edit_undo").isEnabled()
    layer.setPixelData(host.core.QByteArray(RED), 0, 0, 1, 1)
    yield 300
    assert document.modified() is False
    assert host.krita.action("edit_undo").isEnabled() == undo


@holds
def a_layer_is_added_above_in_one_step(host: Host) -> Steps:
    document = yield from host.document(is_shown=True)
    root = document.rootNode()
    (lowest,) = root.childNodes()
    root.addChildNode(host.layer(document, "upper"), lowest)
    yield 300
    root.addChildNode(host.layer(document, "middle"), lowest)
    yield 300
    names = [node.name() for node in root.childNodes()]
    assert names == [lowest.name(), "middle", "upper"]
    assert document.modified() is True
    for action, count in (("edit_undo", 2), ("edit_undo", 1), ("edit_redo", 2)):
        host.krita.action(action).trigger()
        yield 500
        assert len(root.childNodes()) == count
    assert bytes(root.childNodes()[1].pixelData(1, 1, 1, 1)) == RED


@holds
def what_was_removed_has_no_parent(host: Host) -> Steps:
    document = yield from host.document(is_shown=True)
    layer = host.layer(document)
    document.rootNode().addChildNode(layer, None)
    yield 300
    assert layer.parentNode() == document.rootNode()
    layer.remove()
    yield 300
    assert not layer.parentNode()
    host.krita.action("edit_undo").trigger()
    yield 500
    assert layer.parentNode() == document.rootNode()


@holds
def a_clone_is_another_layer_with_the_same_pixels(host: Host) -> Steps:
    document = yield from host.document()
    layer = host.layer(document)
    mask = document.createTransparencyMask("mask")
    layer.addChildNode(mask, None)
    clone = layer.clone()
    assert clone.name() == layer.name()
    assert clone.uniqueId() != layer.uniqueId()
    other = yield from host.document()
    other.rootNode().addChildNode(clone, None)
    found = other.nodeByUniqueID(clone.uniqueId())
    assert bytes(found.pixelData(0, 0, 8, 6)) == bytes(layer.pixelData(0, 0, 8, 6))
    assert [node.type() for node in found.childNodes()] == ["transparencymask"]


@holds
def a_node_is_found_by_id_and_by_name(host: Host) -> Steps:
    document = yield from host.document()
    layer = host.layer(document, "a name")
    document.rootNode().addChildNode(layer, None)
    yield 200
    id = layer.uniqueId().toString()
    assert document.nodeByUniqueID(host.core.QUuid(id)) == layer
    assert document.nodeByName("a name") == layer
    assert document.rootNode().childNodes()[-1] == layer
    assert document.rootNode().childNodes()[0] != layer
    assert document.nodeByUniqueID(host.core.QUuid.createUuid()) is None
    assert document.nodeByName("another name") is None


@holds
def annotations_are_bytes_of_the_document(host: Host) -> Steps:
    document = yield from host.document()
    assert bytes(document.annotation("contract")) == b""
    document.setModified(False)
    document.setAnnotation("contract", "words", host.core.QByteArray(b'{"\x00": 1}'))
    assert bytes(document.annotation("contract")) == b'{"\x00": 1}'
    assert document.modified() is True


@holds
def a_selection_has_a_box_and_shades(host: Host) -> Steps:
    document = yield from host.document()
    assert document.selection() is None
    selection = host.module.Selection()
    selection.setPixelData(host.core.QByteArray(bytes([200]) * 6), 2, 1, 3, 2)
    document.setSelection(selection)
    found = document.selection()
    assert (found.x(), found.y(), found.width(), found.height()) == (2, 1, 3, 2)
    assert bytes(found.pixelData(1, 1, 3, 1)) == bytes([0, 200, 200])


@holds
def a_mask_takes_a_copy_of_the_selection(host: Host) -> Steps:
    document = yield from host.document()
    selection = host.module.Selection()
    selection.setPixelData(host.core.QByteArray(bytes([200]) * 6), 2, 1, 3, 2)
    document.setSelection(selection)
    mask = document.createTransparencyMask("mask")
    mask.setSelection(document.selection().duplicate())
    layer = host.layer(document)
    layer.addChildNode(mask, None)
    assert bytes(mask.pixelData(1, 1, 3, 1)) == bytes([0, 200, 200])
    mask.setPixelData(host.core.QByteArray(bytes(48)), 0, 0, 8, 6)
    assert bytes(document.selection().pixelData(1, 1, 3, 1)) == bytes([0, 200, 200])


@holds
def a_mask_is_a_selection_again(host: Host) -> Steps:
    document = yield from host.document()
    selection = host.module.Selection()
    selection.setPixelData(host.core.QByteArray(bytes([200]) * 6), 2, 1, 3, 2)
    mask = document.createTransparencyMask("mask")
    mask.setSelection(selection)
    layer = host.layer(document)
    layer.addChildNode(mask, None)
    document.rootNode().addChildNode(layer, None)
    yield 200
    (mask,) = layer.childNodes()
    found = mask.selection().duplicate()
    assert mask.visible()
    assert (found.x(), found.y(), found.width(), found.height()) == (2, 1, 3, 2)
    assert bytes(found.pixelData(1, 1, 3, 1)) == bytes([0, 200, 200])


@holds
def layers_and_masks_go_along_with_the_canvas(host: Host) -> Steps:
    document = yield from host.document()
    selection = host.module.Selection()
    selection.setPixelData(host.core.QByteArray(bytes([200]) * 6), 2, 1, 3, 2)
    layer, mask = host.layer(document), document.createTransparencyMask("mask")
    mask.setSelection(selection.duplicate())
    layer.addChildNode(mask, None)
    document.rootNode().addChildNode(layer, None)
    yield 200
    found = mask.selection()
    document.resizeImage(-3, -2, 11, 8)
    document.waitForDone()
    yield 200
    assert document.bounds() == host.core.QRect(0, 0, 11, 8)
    assert layer.bounds() == host.core.QRect(4, 3, 5, 4)
    assert (found.x(), found.y(), found.width(), found.height()) == (5, 3, 3, 2)
    assert bytes(layer.pixelData(4, 3, 1, 1)) == RED


@holds
def a_group_shows_what_is_in_it(host: Host) -> Steps:
    document = yield from host.document()
    group = document.createGroupLayer("group")
    document.rootNode().addChildNode(group, None)
    group.addChildNode(host.layer(document), None)
    yield 300
    document.waitForDone()
    assert group.type() == "grouplayer"
    assert bytes(group.projectionPixelData(1, 1, 1, 1)) == RED
    assert group.bounds() == host.core.QRect(1, 1, 5, 4)


@holds
def a_document_that_nobody_sees_is_not_active(host: Host) -> Steps:
    shown = yield from host.document(is_shown=True)
    hidden = yield from host.document()
    assert host.krita.activeDocument() == shown
    assert hidden.rootNode().childNodes()[0].type() == "paintlayer"
    assert host.krita.activeDocument().activeNode() == shown.rootNode().childNodes()[0]


@holds
def a_docker_hears_at_once_which_document_is_in_front(host: Host) -> Steps:
    first = yield from host.document(is_shown=True)
    second = yield from host.document()
    (docker,) = (d for d in host.krita.dockers() if d.objectName() == "rheostat_docker")
    heard = []
    docker.canvasChanged = lambda _canvas: heard.append(host.krita.activeDocument())
    try:
        host.krita.activeWindow().addView(second)
        assert heard[-1] == second
        yield 500
        host.close(second)
        yield 500
        assert heard[-1] == first
    finally:
        del docker.canvasChanged


@holds
def a_closed_document_is_told_of(host: Host) -> Steps:
    document = yield from host.document(is_shown=True)
    notifier, found = host.krita.notifier(), list[bool]()
    notifier.setActive(True)
    assert document in host.krita.documents()

    def look(_file: str) -> None:
        found.append(document in host.krita.documents())

    notifier.imageClosed.connect(look)
    try:
        host.close(document)
        assert found[-1] is False
    finally:
        notifier.imageClosed.disconnect(look)
    yield 500


@holds
def a_still_document_can_be_locked(host: Host) -> Steps:
    document = yield from host.document()
    document.waitForDone()
    yield 200
    assert document.tryBarrierLock()
    document.unlock()


@holds
def saving_names_the_file(host: Host) -> Steps:
    document = yield from host.document(is_shown=True)
    notifier, saved = host.krita.notifier(), list[str]()
    notifier.setActive(True)
    notifier.imageSaved.connect(saved.append)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "picture.png")
        document.setBatchmode(True)
        document.saveAs(path)
        yield 1000
        assert Path(path).read_bytes().endswith(b"IEND\xaeB`\x82")
    assert path in saved
    assert document.fileName() == path


@holds
def a_setting_that_is_missing_has_its_default(host: Host) -> Steps:
    assert host.krita.readSetting("contract", "missing", "default") == "default"
    yield 0


@holds
def a_document_has_frames_only_if_it_is_animated(host: Host) -> Steps:
    document = yield from host.document()
    layer = document.rootNode().childNodes()[0]
    assert not layer.animated()
    assert document.currentTime() == 0
