"""Directories: the tags of a TIFF page, and of an EXIF block, which is a TIFF without pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
_EXIF, _GPS, _INTEROP = 34665, 34853, 40965  # directories within
_WIDTHS, _HEIGHTS = (256, 40962), (257, 40963)
_ORDERS = {b"II": "<", b"MM": ">"}
_LONG = 4  # a type of values
# What describes the picture and not the way its pixels are stored.
_DESCRIPTIVE = {
    *(269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 33723),
    *(ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, _EXIF, _GPS),
}
_INCH, _CENTIMETRE = 2, 3
_INCHES = {_INCH: 1.0, _CENTIMETRE: 1 / 2.54}
_BIG_TIFF = 43

Tags = Mapping[int, Any]  # value by number; several values are a tuple, text is bytes


def load(data: bytes) -> tuple[dict[int, Any], bool]:
    """The tags of the first page, and whether it is the only one."""
    directory = Directory(_header(data))
    tags = _load(data, directory, directory.next)
    return tags, directory.next == 0


def descriptive(data: bytes) -> dict[int, Any] | None:
    """The tags that `to_block` takes, EXIF and GPS among them; None if they are damaged."""
    try:
        tags, _ = load(data)
        described = {tag: tags[tag] for tag in _DESCRIPTIVE & tags.keys()}
        for tag in {_EXIF, _GPS} & described.keys():
            described[tag] = _load(data, Directory(_header(data), group=tag), tags[tag])
            described[tag].pop(_INTEROP, None)  # an offset into `data`
        to_block(described)
    except Exception:  # whatever Pillow makes of damaged bytes
        return None
    return described


def to_block(tags: Tags) -> bytes:
    """The EXIF block of descriptive tags."""
    directory = Directory()
    directory.update(tags)
    file = io.BytesIO()
    directory.save(file)
    return file.getvalue()


def refreshed(block: bytes, width: int, height: int) -> bytes:
    """An EXIF block for new pixels: of this size, where it says one, and without a thumbnail.

    It is changed in its place: a maker's notes know where they stand. Damaged, it is as it was.
    """
    sizes = dict.fromkeys(_WIDTHS, width) | dict.fromkeys(_HEIGHTS, height)
    new = bytearray(block)
    try:
        order = _ORDERS[block[:2]]
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        first, end = _entries(block, order, start)
        struct.pack_into(f"{order}I", new, end, 0)  # to the thumbnail's directory
        exif = dict[int, int]()
        if _EXIF in first:
            (start,) = struct.unpack_from(f"{order}I", block, first[_EXIF] + 8)
            exif, _ = _entries(block, order, start)
        for tag, at in (*first.items(), *exif.items()):
            if tag in sizes:
                struct.pack_into(f"{order}HHII", new, at, tag, _LONG, 1, sizes[tag])
    except (KeyError, struct.error):
        return block
    return bytes(new)


def to_dpi(tags: Tags) -> tuple[float, float] | None:
    """Pixels per inch, if the tags say so."""
    inches = _INCHES.get(tags.get(RESOLUTION_UNIT, _INCH))
    if inches is None or not {X_RESOLUTION, Y_RESOLUTION} <= tags.keys():
        return None
    return float(tags[X_RESOLUTION]) / inches, float(tags[Y_RESOLUTION]) / inches


def from_dpi(dpi: tuple[float, float]) -> Tags:
    """The tags that say so."""
    return {X_RESOLUTION: dpi[0], Y_RESOLUTION: dpi[1], RESOLUTION_UNIT: _INCH}


def _entries(block: bytes, order: str, start: int) -> tuple[dict[int, int], int]:
    """Where the tags of a directory stand, and where what comes behind them."""
    (count,) = struct.unpack_from(f"{order}H", block, start)
    places = range(start + 2, start + 2 + 12 * count, 12)
    return {struct.unpack_from(f"{order}H", block, at)[0]: at for at in places}, places.stop


def _header(data: bytes) -> bytes:
    return data[: 16 if _BIG_TIFF in data[2:4] else 8]


def _load(data: bytes, directory: Directory, offset: int) -> dict[int, Any]:
    file = io.BytesIO(data)
    file.seek(offset)
    directory.load(file)
    return {tag: _plain(value) for tag, value in directory.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    # As bytes, because Pillow reads text as Latin-1 and writes it as ASCII.
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
