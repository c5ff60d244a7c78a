"""Carried: the settings that came with a picture's file, or with the name of a layer.

Programs that know nothing of Rheostat keep a file's XMP and a layer's name.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import xmp
from .controls import title
from .errors import RheostatError
from .models import ModelInfo
from .settings import Settings

_PNG = b"\x89PNG\r\n\x1a\n"
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))  # the last bytes of a PNG
_KEYWORD = b"XML:com.adobe.xmp" + bytes(5)  # of the chunk for XMP: plain, in no language


def read(path: Path) -> Settings | None:
    """The settings in a picture's XMP; None without any, if damaged, or if there is no such file.

    Whoever opens the file has one picture and not the layers: their source is the file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = max(0, data.find(xmp.NAME) - 1)
            text = xmp.find(data[at : at + 2 * xmp.MAX_ESCAPED])
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None
    return from_file(text, path.name)


def from_file(text: str | None, name: str) -> Settings | None:
    """The settings in the record of a picture's file called `name`, or None as for `read`."""
    try:
        found = Settings.from_json(text or "")
    except RheostatError:
        return None
    return replace(found, maps={}, source={"file": str(found.source.get("file", name))})


def append(path: Path, record: str) -> None:
    """Put a record into a PNG that has none; other files stay as they are. OSError."""
    packet = xmp.join(None, record)
    assert packet is not None
    body = b"iTXt" + _KEYWORD + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    with path.open("r+b") as file:
        if file.read(len(_PNG)) != _PNG:
            return
        file.seek(-len(_END), os.SEEK_END)
        if file.read() == _END:
            file.seek(-len(_END), os.SEEK_END)
            file.write(chunk + _END)


def named(name: str, models: Sequence[ModelInfo]) -> Settings | None:
    """The settings that a layer's name says (`controls.title`); None if it is another name.

    Controls that the model did not have when the name was given are at their defaults.
    """
    words = [word.rpartition(" ") for word in name.split(" · ")[1:]]
    try:
        values = {control: float(value) for control, _, value in words}
    except ValueError:
        return None
    for model in models:
        said = [control for control in model.controls if control.id in values]
        if said and title(model.name, said, values) == name:
            controls = {control.id: control.default for control in model.controls}
            return Settings(model.id, model.version, model.digest, {**controls, **values})
    return None
