"""Records: what made a layer, kept in the document and found again for copies of the layer."""

from __future__ import annotations

import json
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings
from rheostat_client.texts import _

from . import imported
from .qt import QtCore


def remember(document: Any, layer: str, settings: Settings) -> None:
    """Note in the document what made the layer of that id."""
    records = _records(document)
    records[layer] = settings.to_json()
    data = QtCore.QByteArray(json.dumps(records, sort_keys=True).encode())
    document.setAnnotation(PARASITE, "Settings of Rheostat's layers", data)


def record(document: Any, node: Any) -> Settings | None:
    """The settings that made the node, here or in another program; None if no filter did."""
    is_as_opened = not _records(document)
    return own(document, node) or imported.settings_of(document, node, is_as_opened)


def own(document: Any, node: Any) -> Settings | None:
    """The settings that made the node here; None if no filter did, or if they are damaged.

    Krita gives a copy another id and nothing else of ours: it is known by its pixels, or by its
    name, which Krita makes from the original's.
    """
    records = _records(document)
    text = records.get(node.uniqueId().toString())
    if text is None and node.type() == "paintlayer":
        text = _twin(document, node, records)
    return _parsed(text)


def is_from_here(settings: Settings) -> bool:
    """Whether a layer of a Krita document was the source, not a file or another program's layer."""
    return "name" in settings.source


def origin(document: Any, settings: Settings) -> Any:
    """The node a result was made from; RheostatError `no-source` if it is gone."""
    source = settings.source
    known = QtCore.QUuid(str(source.get("id", "")))
    found = None if known.isNull() else document.nodeByUniqueID(known)
    found = found or document.nodeByName(str(source.get("name", "")))
    if found is None:
        raise RheostatError(
            "no-source",
            _("The layer '{name}' is not in this document any more.").format(
                name=source.get("name", "?")
            ),
            _("Undo its deletion, or filter another layer."),
        )
    return found


def _twin(document: Any, node: Any, records: dict[str, str]) -> str | None:
    others = {id: document.nodeByUniqueID(QtCore.QUuid(id)) for id in records}
    for id, other in others.items():
        if other is not None and _are_alike(node, other):
            return records[id]
    for text in records.values():
        settings = _parsed(text)
        name = str(settings.source.get("result", "")) if settings else ""
        if name and name in node.name():
            return text
    return None


def _are_alike(one: Any, other: Any) -> bool:
    bounds = one.bounds()
    if bounds != other.bounds() or bounds.isEmpty():
        return False
    if one.colorDepth() != other.colorDepth() or one.colorModel() != other.colorModel():
        return False
    step = max(1, bounds.height() // 64)
    for y in range(bounds.y(), bounds.y() + bounds.height(), step):
        row = (bounds.x(), y, bounds.width(), 1)
        if one.pixelData(*row) != other.pixelData(*row):
            return False
    return True


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
