"""Notes: what a file says of its pixels' size, and shows of them small, made true of new pixels."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from . import directory
from .picture import Metadata

_WIDTH = re.compile(rb"((?:exif:PixelXDimension|tiff:ImageWidth)\s*(?:>|=\s*[\"'])\s*)\d+")
_HEIGHT = re.compile(rb"((?:exif:PixelYDimension|tiff:ImageLength)\s*(?:>|=\s*[\"'])\s*)\d+")
_THUMBNAILS = b"<xmp:Thumbnails>", b"</xmp:Thumbnails>"
_PHOTOSHOP = b"Photoshop 3.0\0"
_THUMBNAIL = (1033, 1036)  # numbers of Photoshop's resources


def refreshed(metadata: Metadata, width: int, height: int) -> Metadata:
    """For new pixels: of this size, where it says one, and without thumbnails of the old."""
    exif, xmp = metadata.exif, metadata.xmp
    return replace(
        metadata,
        exif=exif and directory.refreshed(exif, width, height),
        xmp=xmp and _packet(xmp, width, height),
        app13=tuple(map(_segment, metadata.app13)),
    )


def _packet(xmp: bytes, width: int, height: int) -> bytes:
    xmp = _WIDTH.sub(rb"\g<1>%d" % width, xmp)
    xmp = _HEIGHT.sub(rb"\g<1>%d" % height, xmp)
    begin, end = _THUMBNAILS
    before, found, rest = xmp.partition(begin)
    _, closed, after = rest.partition(end)
    return before + after if found and closed else xmp


def _segment(body: bytes) -> bytes:
    """Photoshop's resources without the thumbnail; what cannot be read of them stays."""
    kept, at = [body[: len(_PHOTOSHOP)]], len(_PHOTOSHOP)
    try:
        while body[at : at + 4] == b"8BIM":
            number, name = struct.unpack_from(">HB", body, at + 4)
            start = at + 6 + (name + 2) // 2 * 2  # a name and its length are padded to be even
            (size,) = struct.unpack_from(">I", body, start)
            end = start + 4 + size + size % 2
            if end > len(body):  # it goes on in the next segment
                break
            if number not in _THUMBNAIL:
                kept.append(body[at:end])
            at = end
    except struct.error:
        pass
    return b"".join(kept) + body[at:]
