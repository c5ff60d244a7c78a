"""Documents: which filters made the layers of a Krita file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings

MAX_BYTES = 16 * 1024**2  # of a part of the file that is read


def is_document(path: Path) -> bool:
    """Whether it is a Krita file, by what is in it."""
    try:
        with zipfile.ZipFile(path) as file:
            return "maindoc.xml" in file.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_layers(path: Path) -> list[tuple[str, Settings]]:
    """Names of the layers that filters made, from the top, and their settings.

    Raises RheostatError `bad-picture` or `bad-settings` if it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            notes = [name for name in file.namelist() if name.endswith(f"/annotations/{PARASITE}")]
            records = json.loads(_read(file, notes[0])) if notes else {}
            if not isinstance(records, dict):
                raise ValueError("its records are none")
            document = ElementTree.fromstring(_read(file, "maindoc.xml"))
    except Exception as error:  # whatever zlib, zipfile and parsers make of damaged bytes
        raise RheostatError(
            "bad-picture", f"{path} is damaged: {error}.", "Save it again with Krita."
        ) from error
    # Records of layers that were undone or deleted stay in the file.
    layers = [each for each in document.iter() if each.get("uuid") in records]
    return [
        (each.get("name", ""), Settings.from_json(str(records[each.get("uuid")])))
        for each in layers
    ]


def _read(file: zipfile.ZipFile, name: str) -> bytes:
    if file.getinfo(name).file_size > MAX_BYTES:
        raise ValueError(f"{name} is larger than {MAX_BYTES} bytes")
    return file.read(name)
