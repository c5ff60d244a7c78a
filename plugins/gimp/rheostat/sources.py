"""Sources: which layer a result was made from, found again after saving, renaming and copying."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import metadata
from gi.repository import Gimp
from rheostat_client import carried, installed
from rheostat_client.controls import title
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.settings import PARASITE, Settings
from rheostat_client.texts import _

if TYPE_CHECKING:
    from places import Place

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


def remember(layer: Any, place: Place, settings: str, name: str, maps: dict[str, Any]) -> None:
    """Note on `layer` what made it, at which place, the `name` that goes with that, and which items
    were its maps.

    To be called within an undo group: source and maps get names of their own, if they have none.
    """
    source = {"visible": True} if place.is_whole else _described(place.layer)
    made = replace(
        Settings.from_json(settings),
        source={**source, "result": name},
        maps={control: _described(item) for control, item in maps.items()},
    )
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, _KEPT, made.to_json().encode()))
    metadata.describe(layer.get_image(), made.to_json())


def settings_of(image: Any, result: Any) -> Settings:
    """What made `result`, here or in another program; RheostatError `no-source` if no filter did.

    If the image's file says how it was made and no layer does, `result` is taken for it.
    """
    settings = record(result) or _named(image, result)
    if settings is None and not any(map(record, everything(image.get_layers()))):
        settings = metadata.settings(image)
    if settings is None:
        raise RheostatError(
            "no-source",
            _("'{name}' is no result of Rheostat.").format(name=result.get_name()),
            _("Select a layer that a Rheostat filter made."),
        )
    return settings


def is_renamed(result: Any, settings: Settings, model: ModelInfo) -> bool:
    """Whether `result` has another name than it was given, or than GIMP gives copies of that."""
    known = [control for control in model.controls if control.id in settings.controls]
    given = str(settings.source.get("result") or title(model.name, known, settings.controls))
    image, kind, mode = result.get_image(), result.type(), Gimp.LayerMode.NORMAL
    layer = Gimp.Layer.new(image, given, 1, 1, kind, 100.0, mode)
    copy = layer.copy()  # `… copy`, in GIMP's language
    names = (given, copy.get_name())
    for each in (layer, copy):
        each.delete()
    return re.sub(r" #\d+$", "", result.get_name()) not in names  # GIMP numbers what is alike


def origin(image: Any, result: Any, settings: Settings) -> Any:
    """The layer `result` was made from; RheostatError `no-source` if it is gone.

    Of several copies of it, the nearest below.
    """
    source = settings.source
    others = [layer for layer in below(image, result) if layer.get_id() != result.get_id()]
    if found := _recognised(source, others):
        return found
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


def map_items(image: Any, settings: Settings) -> dict[str, Any]:
    """The items that were maps, by control id; RheostatError `no-source` if one is gone."""
    items = maps(image)
    return {
        control: _recognised(described, items) or item(image, described.get("name", "?"))
        for control, described in settings.maps.items()
    }


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


def _named(image: Any, result: Any) -> Settings | None:
    """A result in a file that keeps names only (ORA, PSD) stands directly above its source."""
    found = carried.named(result.get_name(), installed.models())
    under = next(iter(below(image, result)[1:]), None)
    if found is None or under is None or under.is_group():
        return None
    return replace(found, source={"name": under.get_name(), "tattoo": under.get_tattoo()})


def _described(item: Any) -> dict[str, Any]:
    """What an item is found by later; it gets a name of its own, if it has none."""
    name = _identity(item)
    if not name:
        name = uuid.uuid4().hex
        item.attach_parasite(Gimp.Parasite.new(IDENTITY, _KEPT, name.encode()))
    return {"tattoo": item.get_tattoo(), "name": item.get_name(), "id": name}


def _recognised(described: Mapping[str, Any], items: list[Any]) -> Any:
    """The item that was described, or None.

    Its own name decides; of several copies with that name, the one with the tattoo, or the first.
    Records of other programs know an item's name only.
    """
    same = [item for item in items if described.get("id") and _identity(item) == described["id"]]
    same = same or [item for item in items if item.get_name() == described.get("name")]
    known = (item for item in same if item.get_tattoo() == described.get("tattoo"))
    return next(known, same[0] if same else None)


def _identity(item: Any) -> str:
    parasite = item.get_parasite(IDENTITY)
    return bytes(parasite.get_data()).decode() if parasite else ""
