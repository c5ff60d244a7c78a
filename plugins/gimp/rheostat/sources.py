"""Sources: which layer a result was made from, found again after saving, renaming and copying."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gi.repository import Gimp
from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings
from rheostat_client.texts import _

IDENTITY = "rheostat-id"  # parasite of a source: a name that copies and other images keep
_KEPT = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE


def record(layer: Any) -> Settings | None:
    """The settings that made the layer; None if no filter did, or if they are damaged."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    try:
        return Settings.from_json(bytes(parasite.get_data()))
    except RheostatError:
        return None


def remember(layer: Any, source: Any, settings: str, maps: dict[str, Any]) -> None:
    """Note on `layer` what made it, from which layer, and which items were its maps.

    To be called within an undo group: the source gets a name of its own, if it has none.
    """
    known = source.get_parasite(IDENTITY)
    if known is None:
        name = uuid.uuid4().hex
        source.attach_parasite(Gimp.Parasite.new(IDENTITY, _KEPT, name.encode()))
    else:
        name = bytes(known.get_data()).decode()
    origin = {"tattoo": source.get_tattoo(), "name": source.get_name(), "id": name}
    made = replace(
        Settings.from_json(settings),
        source=origin,
        maps={control: {"name": item.get_name()} for control, item in maps.items()},
    )
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, _KEPT, made.to_json().encode()))


def origin(image: Any, result: Any) -> Any:
    """The layer `result` was made from; RheostatError `no-source` if it is gone.

    Its own name decides; of several copies with that name, the one with the tattoo, or the nearest
    below. Records of other programs know a layer's name only.
    """
    settings = record(result)
    if settings is None:
        raise RheostatError(
            "no-source",
            _("'{name}' is no result of Rheostat.").format(name=result.get_name()),
            _("Select a layer that a Rheostat filter made."),
        )
    source = settings.source
    others = [layer for layer in below(image, result) if layer.get_id() != result.get_id()]
    same = [layer for layer in others if source.get("id") and _identity(layer) == source["id"]]
    same = same or [layer for layer in others if layer.get_name() == source.get("name")]
    for layer in same:
        if layer.get_tattoo() == source.get("tattoo"):
            return layer
    if same:
        return same[0]
    raise RheostatError(
        "no-source",
        _(
            "The layer '{source}', from which '{name}' was made, is not in this image any more."
        ).format(source=source.get("name", "?"), name=result.get_name()),
        _("Copy it back, or filter another layer."),
    )


def item(image: Any, name: str) -> Any:
    """The channel, layer or layer mask called `name`; RheostatError `no-source`."""
    for found in maps(image):
        if found.get_name() == name:
            return found
    raise RheostatError(
        "no-source",
        _("There is no layer, mask or channel '{name}'.").format(name=name),
        _("Choose another one as map."),
    )


def map_words(chosen: dict[str, Any]) -> str:
    """Items by control id as the procedure's argument `maps` takes them: JSON with their names."""
    return json.dumps({control: item.get_name() for control, item in chosen.items()})


def map_names(words: str) -> dict[str, str]:
    """Names by control id in the argument `maps`, which may be empty; RheostatError `bad-value`."""
    try:
        names = json.loads(words or "{}")
    except ValueError:
        names = None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise RheostatError(
            "bad-value",
            _("The argument {name} is {given}.").format(name="maps", given=repr(words)),
            _('Give the name of a layer, mask or channel for each control: {"noise": "Sky"}.'),
        )
    return names


def maps(image: Any) -> list[Any]:
    """Everything that can be a map: channels, layers and their masks."""
    layers = list(everything(image.get_layers()))
    masks = [layer.get_mask() for layer in layers if layer.get_mask()]
    return [*image.get_channels(), *masks, *(layer for layer in layers if not layer.is_group())]


def below(image: Any, layer: Any) -> list[Any]:
    """All layers: those below `layer` from the nearest on, then those above."""
    layers = list(everything(image.get_layers()))
    at = next(i for i, each in enumerate(layers) if each.get_id() == layer.get_id())
    return layers[at:] + layers[:at][::-1]


def everything(layers: list[Any]) -> Iterator[Any]:
    """Layers and what is in their groups, from the top."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from everything(layer.get_children())


def _identity(layer: Any) -> str:
    parasite = layer.get_parasite(IDENTITY)
    return bytes(parasite.get_data()).decode() if parasite else ""
