"""Nodes as bytes: what the plug-in reads from a document, in slices that do not hold Krita up."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from rheostat_client.connection import Grey, Region
from rheostat_client.errors import RheostatError
from rheostat_client.settings import Settings
from rheostat_client.texts import _

from . import records
from .loop import WAIT, Steps
from .qt import QtCore, QtGui
from .spaces import FORMATS, SRGB, Converter, Space, space_of, swapped

SLICE = 2**18  # pixels read at once
MAX_BYTES = 2**31 - 1  # of what is kept of a layer
NO_PIXELS = ("transparencymask", "selectionmask", "filtermask", "transformmask", "colorizemask")
PHASES = 16  # looks after which every row was looked at


class Subject(NamedTuple):
    """What is filtered: a node of a document, to make a new layer or to replace an old result."""

    document: Any
    node: Any
    result: Any  # the layer to be replaced, or None
    masks: list[tuple[Any, Any]]  # its transparency masks with their selections, which follow them
    is_whole: bool  # whether that is of all of the node, whatever its mask hides
    title: str  # the name that the result was given
    painted: Mapping[str, Any]  # nodes that are maps, by control id

    def settings(self, text: str, name: str) -> Settings:
        """The record of a render, with what only this program knows."""
        source = {
            "id": self.node.uniqueId().toString(),
            "name": self.node.name(),
            "result": name,
        }
        noted = {control: {"name": node.name()} for control, node in self.painted.items()}
        return replace(Settings.from_json(text), source=source, maps=noted)

    def selection(self) -> Any:
        """Where the result shows: where something is selected, or what an old one's mask says.

        None is everywhere.
        """
        if self.result is None:
            return self.document.selection()
        return next((selection for mask, selection in self.masks if mask.visible()), None)

    def check(self) -> None:
        """RheostatError `bad-picture` if one of its nodes was deleted meanwhile."""
        if not all(node.parentNode() for node in (self.node, self.result) if node is not None):
            raise _refuse(
                _("The layer was deleted while it was filtered."), _("Undo, and filter again.")
            )


class Source(NamedTuple):
    """A node's pixels as the client takes them, and where they stand in the document."""

    data: bytes
    format: str
    x: int
    y: int
    width: int
    height: int
    marks: Marks

    @property
    def pixels(self) -> Grey:
        """As sessions take them."""
        return self.data, self.format, self.width, self.height


class Opened(NamedTuple):
    """A subject with everything that a workbench takes."""

    subject: Subject
    source: Source
    box: Region  # what is rendered, in the source's pixels
    selection: Any  # a copy of the subject's, or None
    maps: dict[str, Grey]  # by control id
    marks: list[Marks]  # of the maps

    def selects_as(self, selection: Any, phase: int) -> bool:
        """Whether the subject's selection of today is that of then, in every sixteenth row."""
        if selection is None or self.selection is None:
            return selection is self.selection
        x, y, width, height = self.box
        x, y = x + self.source.x, y + self.source.y
        return region(self.subject, self.source, selection) == self.box and all(
            selection.pixelData(x, row, width, 1) == self.selection.pixelData(x, row, width, 1)
            for row in range(y + phase, y + height, PHASES)
        )

    def settings(self, text: str, name: str) -> Settings:
        """The record of its render, without a region if that was all of the source."""
        made, source = self.subject.settings(text, name), self.source
        is_whole = self.box == (0, 0, source.width, source.height)
        return replace(made, region=None) if is_whole else made


class Marks:
    """What a node's pixels were, as checksums of its rows, to see later whether they still are.

    A look reads every sixteenth row only, another sixteenth each time, so that it costs nothing
    while a broad brush is seen at once.
    """

    def __init__(self, node: Any, box: Region) -> None:
        """For a box (x, y, width, height) of the document's pixels."""
        self._node, self._box = node, box
        self._bounds = node.bounds()
        self._sums = [0] * PHASES
        self._phase = 0

    def add(self, data: bytes, y: int, rows: int) -> None:
        """Note rows that were read, from the top on."""
        stride = len(data) // rows
        view = memoryview(data)
        for row in range(rows):
            phase = (y - self._box[1] + row) % PHASES
            part = view[row * stride : (row + 1) * stride]
            self._sums[phase] = zlib.crc32(part, self._sums[phase])

    def have_changed(self) -> bool:
        """Whether this look finds other pixels."""
        if self._node.bounds() != self._bounds:
            return True
        x, y, width, height = self._box
        total, phase = 0, self._phase
        self._phase = (phase + 1) % PHASES
        for row in range(y + phase, y + height, PHASES):
            total = zlib.crc32(_raw(self._node, x, row, width, 1), total)
        return total != self._sums[phase]


def find(document: Any, node: Any, chosen: Mapping[str, str]) -> Subject:
    """The subject when `node` is active and maps of the names `chosen` are wanted.

    The node itself, or what it was made from. RheostatError `no-source`.
    """
    known = {each.name(): each for each in maps(document)}
    for name in chosen.values():
        if name not in known:
            raise RheostatError(
                "no-source",
                _("There is no layer or mask '{name}'.").format(name=name),
                _("Choose another as map."),
            )
    painted = {control: known[name] for control, name in chosen.items()}
    settings = records.record(document, node)
    if settings is None or not records.is_from_here(settings):
        return Subject(document, node, None, [], False, "", painted)
    source, title = records.origin(document, settings), str(settings.source.get("result", ""))
    # Once, not at every look: what `childNodes` and `selection` of a mask return is never freed.
    masks = [each for each in node.childNodes() if each.type() == "transparencymask"]
    pairs = [(mask, mask.selection()) for mask in masks]
    return Subject(document, source, node, pairs, settings.region is None, title, painted)


def open_(subject: Subject, depth: str) -> Generator[Any, None, Opened]:
    """Read everything; steps for a loop. `depth` as for `read`."""
    found = subject.selection()
    selection = None if found is None else found.duplicate()  # the user's may change meanwhile
    source = yield from read(subject, selection, depth)
    box = region(subject, source, selection)
    maps, marks = yield from read_maps(subject, source)
    return Opened(subject, source, box, selection, maps, marks)


def read_maps(
    subject: Subject, source: Source
) -> Generator[Any, None, tuple[dict[str, Grey], list[Marks]]]:
    """The maps of a subject, by control id."""
    found, marks = {}, []
    for control, node in subject.painted.items():
        grey, mark = yield from _read_map(subject.document, node, source)
        found[control] = grey
        marks.append(mark)
    return found, marks


def box(subject: Subject, selection: Any) -> Region:
    """Where there is something to filter: the node, within the document and the selection.

    RheostatError `bad-picture` if there is nothing, or too much.
    """
    node = subject.node
    if node is None or node.type() in NO_PIXELS:
        raise _refuse(_("The selected layer has no colours."), _("Select a layer, not a mask."))
    inside = node.bounds().intersected(subject.document.bounds())
    if inside.isEmpty():
        raise _refuse(_("'{name}' is empty.").format(name=node.name()), _("Paint on it first."))
    if subject.result is None and selection is not None and not inside.intersects(_box(selection)):
        raise _refuse(
            _("The selection is beside '{name}'.").format(name=node.name()),
            _("Select a part of the layer, or nothing."),
        )
    if inside.width() * inside.height() * 16 > MAX_BYTES:
        raise _refuse(
            _("'{name}' is {width} × {height} pixels; {limit} in all can be.").format(
                name=node.name(),
                width=inside.width(),
                height=inside.height(),
                limit=MAX_BYTES // 16,
            ),
            _("Crop the layer, or scale the image."),
        )
    return inside.x(), inside.y(), inside.width(), inside.height()


def region(subject: Subject, source: Source, selection: Any) -> Region:
    """What is rendered, in the source's own pixels: the selection's box, or all without one.

    An old result of a part is rendered where it is now, since it went along when the picture was
    cropped or scaled, and where its mask shows it: some of that may have been transparent.
    """
    if subject.is_whole:
        return 0, 0, source.width, source.height
    whole = QtCore.QRect(source.x, source.y, source.width, source.height)
    shown = QtCore.QRect() if selection is None else _box(selection)
    if subject.result is not None:
        shown = shown.united(subject.result.bounds())
    part = whole.intersected(shown) if whole.intersects(shown) else whole
    return part.x() - source.x, part.y() - source.y, part.width(), part.height()


def read(subject: Subject, selection: Any, depth: str) -> Generator[Any, None, Source]:
    """What the node shows within the document, sRGB-encoded. Groups, vector and file layers too.

    What is not sRGB of 8, 16 or 32 bits is converted to `depth`. Steps for a loop.
    """
    place, node = box(subject, selection), subject.node
    yield from _settled(subject.document)
    space = space_of(node)
    if space.is_plain and (depth == "F32" or space.depth != "F32"):
        depth = space.depth
    converter = Converter(space, Space("RGBA", depth, SRGB))
    marks = Marks(node, place)
    x, _, width, _ = place
    parts: list[bytes] = []
    try:
        for top, rows in strips(place):
            raw = bytes(_raw(node, x, top, width, rows))
            marks.add(raw, top, rows)
            parts.append(swapped(bytes(converter.convert(raw, width, rows)), depth))
            yield
    finally:
        converter.close()
    return Source(b"".join(parts), FORMATS[depth], *place, marks)


def _read_map(document: Any, node: Any, source: Source) -> Generator[Any, None, tuple[Grey, Marks]]:
    """The node as grey where the source is; black outside and where it is transparent."""
    yield from _settled(document)
    x, width, height = source.x, source.width, source.height
    place = (x, source.y, width, height)
    is_mask = node.type().endswith("mask")
    marks, parts = Marks(node, place), []
    converter = None if is_mask else Converter(space_of(node), Space("RGBA", "U8", SRGB))
    try:
        for top, rows in strips(place):
            raw = bytes(_raw(node, x, top, width, rows))
            marks.add(raw, top, rows)
            parts.append(
                _grey(converter.convert(raw, width, rows), width, rows) if converter else raw
            )
            yield
    finally:
        if converter:
            converter.close()
    return (b"".join(parts), "gray8", width, height), marks


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


def _box(selection: Any) -> Any:
    return QtCore.QRect(selection.x(), selection.y(), selection.width(), selection.height())


def _settled(document: Any) -> Steps:
    """Steps until Krita has composed what was painted."""
    while not document.tryBarrierLock():
        yield WAIT
    document.unlock()


def _raw(node: Any, x: int, y: int, width: int, height: int) -> Any:
    if node.type().endswith("mask"):
        return node.pixelData(x, y, width, height)
    return node.projectionPixelData(x, y, width, height)


def strips(place: Region) -> Iterator[tuple[int, int]]:
    """Tops and heights of slices, from the top of a box on."""
    _, y, width, height = place
    rows = max(1, SLICE // width)
    return ((top, min(rows, y + height - top)) for top in range(y, y + height, rows))


def _grey(data: Any, width: int, height: int) -> bytes:
    colours = QtGui.QImage(bytes(data), width, height, 4 * width, QtGui.QImage.Format.Format_ARGB32)
    ground = QtGui.QImage(width, height, QtGui.QImage.Format.Format_RGB32)
    ground.fill(QtCore.Qt.GlobalColor.black)
    painter = QtGui.QPainter(ground)
    painter.drawImage(0, 0, colours)
    painter.end()
    grey = ground.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    bits = grey.constBits()
    bits.setsize(grey.sizeInBytes())
    rows, stride = bytes(bits), grey.bytesPerLine()
    return b"".join(rows[y * stride : y * stride + width] for y in range(height))


def _refuse(message: str, remedy: str) -> RheostatError:
    return RheostatError("bad-picture", message, remedy)
