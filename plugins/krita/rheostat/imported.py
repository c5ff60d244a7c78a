"""Imported: the settings of layers that another program made, by the files and names they have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from krita import Krita
from rheostat_client import carried, installed
from rheostat_client.settings import Settings

ONLY_NAMES = (".ora", ".psd")  # files that keep names of layers only; elsewhere a name says nothing
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


def settings_of(document: Any, node: Any, is_as_opened: bool) -> Settings | None:
    """The settings that came with the node; None if there are none.

    `is_as_opened`: no filter has made a layer in the document yet, so that its file tells of its
    lowest layer, and names are all there is.
    """
    if node.type() == "filelayer":
        return carried.read(Path(node.path()))
    if node.type() != "paintlayer":
        return None
    opened = Path(document.fileName())
    if is_as_opened and _is_picture(opened) and node == document.rootNode().childNodes()[0]:
        return carried.read(opened)
    if _is_picture(Path(node.name())):
        return _beside(opened, node.name())
    return _named(node) if opened.suffix.lower() in ONLY_NAMES else None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def _beside(opened: Path, name: str) -> Settings | None:
    """An imported layer has its file's name: one beside the document, or where the last one was."""
    last = Krita.instance().readSetting("File Dialogs", "OpenDocument", "")
    folders = [Path(folder) for folder in (str(opened.parent) if opened.name else "", last)]
    found = (carried.read(folder / Path(name).name) for folder in folders if folder.is_absolute())
    return next(filter(None, found), None)


def _named(node: Any) -> Settings | None:
    """A result in a file that keeps names only (ORA, PSD) stands directly above its source."""
    found = carried.named(node.name(), installed.models())
    if found is None:
        return None
    siblings = node.parentNode().childNodes()
    at = next(i for i, each in enumerate(siblings) if each == node)
    if at == 0:
        return replace(found, source={"file": node.name()})
    below = siblings[at - 1]
    id = below.uniqueId().toString()
    return replace(found, source={"id": id, "name": below.name(), "result": node.name()})
