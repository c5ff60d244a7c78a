"""Records: what made a layer, kept in the document and found again for copies of the layer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings
from rheostat_client.texts import _

from . import imported
from .qt import QtCore

ROWS = 64  # of a layer, that are enough to know it by


def remember(document: Any, layer: str, settings: Settings) -> None:
    """Note in the document what made the layer of that id."""
    records = _records(document)
    records[layer] = settings.to_json()
    data = QtCore.QByteArray(json.dumps(records, sort_keys=True).encode())
    document.setAnnotation(PARASITE, "Settings of Rheostat's layers", data)


def marked(document: Any, settings: Settings, layer: Any, source: Any) -> Settings:
    """The settings with a mark by which copies of `layer`, made from `source`, are known.

    Without one, if both have the same pixels: a copy of the source would be taken for the layer's.
    """
    pixels = _fingerprint(document, layer)
    if pixels in ("", _fingerprint(document, source)):
        return settings
    return replace(settings, source={**settings.source, "pixels": pixels})


def record(document: Any, node: Any) -> Settings | None:
    """The settings that made the node, here or in another program; None if no filter did."""
    is_as_opened = not _records(document)
    return own(document, node) or imported.settings_of(document, node, is_as_opened)


def own(document: Any, node: Any) -> Settings | None:
    """The settings that made the node here; None if no filter did, or if they are damaged.

    Krita gives a copy another id and nothing else of ours: it is known by its pixels, as long as
    the source is there. A layer of other pixels is none, whatever it is called.
    """
    records = _records(document)
    id = node.uniqueId().toString()
    if id in records or not records or node.type() != "paintlayer":
        return _parsed(records.get(id))
    pixels = _fingerprint(document, node)
    for made in map(_parsed, records.values()):
        if made and made.source.get("pixels") == pixels and _source(document, made):
            return made
    return None


def is_from_here(settings: Settings) -> bool:
    """Whether a layer of a Krita document was the source, not a file or another program's layer."""
    return "name" in settings.source


def origin(document: Any, settings: Settings) -> Any:
    """The node a result was made from; RheostatError `no-source` if it is gone."""
    source = settings.source
    found = _source(document, settings) or document.nodeByName(str(source.get("name", "")))
    if found is None:
        raise RheostatError(
            "no-source",
            _("The layer '{name}' is not in this document any more.").format(
                name=source.get("name", "?")
            ),
            _("Undo its deletion, or filter another layer."),
        )
    return found


def _source(document: Any, settings: Settings) -> Any:
    return _node(document, str(settings.source.get("id", "")))


def _node(document: Any, id: str) -> Any:
    known = QtCore.QUuid(id)
    return None if known.isNull() else document.nodeByUniqueID(known)


def _fingerprint(document: Any, node: Any) -> str:
    """Of a layer's size and of some of its rows; of its first drawing, if it is animated.

    Where it stands does not matter. Empty for an empty layer.
    """
    if node is None:
        return ""
    box, frame = node.bounds(), None
    if node.animated():
        frames = range(document.fullClipRangeStartTime(), document.fullClipRangeEndTime() + 1)
        box, frame = document.bounds(), next(filter(node.hasKeyframeAtTime, frames), None)
    if box.isEmpty():
        return ""
    x, y, width, height = box.x(), box.y(), box.width(), box.height()
    digest = hashlib.sha256(f"{node.colorModel()} {node.colorDepth()} {width} {height}".encode())
    for row in range(y, y + height, max(1, height // ROWS)):
        if frame is None:
            digest.update(bytes(node.pixelData(x, row, width, 1)))
        else:
            digest.update(bytes(node.pixelDataAtTime(x, row, width, 1, frame)))
    return digest.hexdigest()


def _parsed(text: str | None) -> Settings | None:
    try:
        return Settings.from_json(text) if text else None
    except RheostatError:
        return None


def _records(document: Any) -> dict[str, str]:
    try:
        records = json.loads(bytes(document.annotation(PARASITE)) or b"{}")
    except ValueError:
        return {}
    return records if isinstance(records, dict) else {}
