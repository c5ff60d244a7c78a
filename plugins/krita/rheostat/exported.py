"""Exported: a PNG that Krita has written says how it was made, if a result lies on top of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from krita import Krita
from rheostat_client import carried

from . import records


class Exports:
    """Hears of every file that is written, as long as it lives."""

    def __init__(self) -> None:
        """From now on."""
        self._notifier = Krita.instance().notifier()
        self._notifier.setActive(True)
        self._notifier.imageSaved.connect(_describe)


def _describe(file: str) -> None:
    document = Krita.instance().activeDocument()
    top = _top(document.rootNode()) if document else None
    settings = records.own(document, top) if top else None
    if settings and Path(file).suffix.lower() == ".png":
        with suppress(OSError):  # the picture is there, which is what was asked for
            carried.append(Path(file), settings.to_json())


def _top(group: Any) -> Any:
    """The highest layer that is visible; None if there is none."""
    for node in reversed(group.childNodes()):
        if node.visible() and not node.type().endswith("mask"):
            return _top(node) if node.type() == "grouplayer" else node
    return None
