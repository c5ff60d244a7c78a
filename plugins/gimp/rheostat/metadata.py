"""Metadata: the image's XMP, in which settings come with a picture's file and go into one."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

from gi.repository import Gimp
from rheostat_client import carried
from rheostat_client.settings import Settings

# As GIMP writes it: its own XML, since GExiv2 is not in every GIMP's Python.
_TAG = re.compile(r'\s*<tag name="Xmp\.rheostat\.settings">([^<]*)</tag>')
_NAMESPACE = '<namespace prefix="rheostat" url="urn:rheostat"></namespace>'
_END = "</metadata>"


def settings(image: Any) -> Settings | None:
    """The settings that came with the file of the image, or None."""
    found = _TAG.search(_text(image))
    file = image.get_imported_file()
    name = file.get_basename() if file else image.get_name()
    return carried.from_file(unescape(found[1]), name) if found else None


def describe(image: Any, record: str) -> None:
    """Let files say that this made the image; one step to undo, or part of one."""
    rest = _TAG.sub("", _text(image))
    tag = f'<tag name="Xmp.rheostat.settings">{escape(record)}</tag>'
    text = rest.replace(_END, f"{_NAMESPACE}{tag}{_END}")
    image.set_metadata(Gimp.Metadata.deserialize(text))


def _text(image: Any) -> str:
    metadata = image.get_metadata()
    return metadata.serialize() if metadata else f"<metadata>{_END}"
