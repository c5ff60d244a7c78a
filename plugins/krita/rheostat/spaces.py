"""Spaces: in which colours a node is stored, and the way to the networks' sRGB and back."""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

from krita import Krita

from .qt import QtCore

SRGB = "sRGB-elle-V2-srgbtrc.icc"
ALIKE = {SRGB, "sRGB built-in", "sRGB IEC61966-2.1"}  # profiles whose values are the networks' own
FORMATS = {"U8": "rgba8", "U16": "rgba16", "F32": "rgba32f"}
DEPTHS = {form: depth for depth, form in FORMATS.items()}


class Space(NamedTuple):
    """Krita's names of a colour model, a depth and a profile."""

    model: str
    depth: str
    profile: str

    @property
    def is_plain(self) -> bool:
        """Whether the networks take its values as they are."""
        return self.model == "RGBA" and self.depth in FORMATS and self.profile in ALIKE


def space_of(node: Any) -> Space:
    """The space that a node is stored in."""
    return Space(node.colorModel(), node.colorDepth(), node.colorProfile())


def srgb(form: str) -> Space:
    """The space of pixels on the wire."""
    return Space("RGBA", DEPTHS[form], SRGB)


class Converter:
    """Turns pixels of one space into another, by Krita's own colour management."""

    def __init__(self, start: Space, end: Space) -> None:
        """From `start` to `end`; both are Krita's own layouts."""
        self._end, self._draft = end, None
        if start != end and not (start.is_plain and end.is_plain and start.depth == end.depth):
            # Only a node of a document can be converted.
            self._draft = Krita.instance().createDocument(1, 1, "Rheostat", *start, 300.0)

    def convert(self, data: Any, width: int, height: int) -> Any:
        """The same pixels in the other space."""
        if self._draft is None:
            return data
        node = self._draft.createNode("", "paintlayer")
        node.setPixelData(QtCore.QByteArray(data), 0, 0, width, height)
        node.setColorSpace(*self._end)
        return node.pixelData(0, 0, width, height)

    def close(self) -> None:
        """Let go of the document."""
        if self._draft is not None:
            self._draft.setModified(False)
            self._draft.close()
            self._draft = None


def swapped(data: bytes, depth: str) -> bytes:
    """RGBA for BGRA and the other way round, in the depths in which Krita keeps blue first."""
    if depth == "F32":
        return data
    values = array("B" if depth == "U8" else "H", data)
    values[0::4], values[2::4] = values[2::4], values[0::4]
    return values.tobytes()
