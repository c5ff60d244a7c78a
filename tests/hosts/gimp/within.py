"""Parts of the plug-in, called in GIMP: what others do to an image while a dialog is open."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import gi
from hosts.gimp.images import describe, load, save, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

BLACK = bytes(3 * 97 * 71)


def main(case: str, picture: str, file: str, plug_in: str) -> Any:
    """What comes of a case."""
    sys.path.insert(0, plug_in)
    image = load(picture)
    seen = CASES[case](image, image.get_layers()[0], file)
    for each in Gimp.get_images():
        each.delete()
    return seen


def unselected(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """The selection goes after a part was rendered; then the result is put in place."""
    layers, places = (importlib.import_module(name) for name in ("layers", "places"))
    from rheostat_client.connection import Rendered
    from rheostat_client.settings import Settings

    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 20, 30, 40)
    (place,) = places.find(image, [source], places.LAYERS)
    before = describe(source)
    Gimp.Selection.none(image)
    record = Settings("tiny", "1", "0" * 64, {}).to_json()
    x, y, width, height = place.box
    black = bytes(3 * width * height)
    layers.overwrite(place, Rendered(x, y, width, height, "rgb8", black, record, 1.0, "cpu"))
    return {"before": before, "after": describe(source), "box": list(place.box)}


def locked_group(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """A preview is shown while a group around the source is locked, and then locked itself."""
    group = Gimp.GroupLayer.new(image, "folder")
    image.insert_layer(group, None, 0)
    image.reorder_item(source, group, 0)
    group.set_lock_content(True)
    before = tree(image)
    preview, piece = shown(image, source)
    names = [layer["name"] for layer in tree(image)]
    image.get_layers()[0].set_lock_content(True)
    preview.show(piece)
    preview.hide()
    return {"names": names, "is as before": tree(image) == before}


def mask_off(image: Any, source: Any, _file: str) -> dict[str, Any]:
    """A preview is shown while the source's mask is switched off."""
    source.add_mask(source.create_mask(Gimp.AddMaskType.BLACK))
    source.set_apply_mask(False)
    shown(image, source)
    return describe(image.get_layers()[0])


def saved(image: Any, source: Any, file: str) -> list[str]:
    """The image is saved with a preview in it."""
    shown(image, source)
    save(image, file)
    return [layer["name"] for layer in tree(load(file))]


def swept(imported: Any, source: Any, file: str) -> dict[str, Any]:
    """The file is opened in another session, in which a process may have the same number; a preview
    that its process left is in no file."""
    preview = importlib.import_module("preview")
    image = load(file)
    image.clean_all()
    preview.sweep(image)
    seen = {"file": [layer["name"] for layer in tree(image)], "is dirty": image.is_dirty()}
    shown(image, image.get_layers()[0])
    preview.sweep(image)
    seen["alive"] = [layer["name"] for layer in tree(image)]
    mark = Gimp.Parasite.new(preview.MARK, 0, f"another {os.getpid()}".encode())
    image.get_layers()[0].attach_parasite(mark)
    preview.sweep(image)
    seen["another"] = [layer["name"] for layer in tree(image)]
    imported.clean_all()
    shown(imported, source)
    imported.get_layers()[0].attach_parasite(mark)
    preview.sweep(imported)
    return {**seen, "left": len(imported.get_layers()), "is import dirty": imported.is_dirty()}


def shown(image: Any, source: Any) -> tuple[Any, Any]:
    """A preview of the source, and the black piece that it shows."""
    places, preview = (importlib.import_module(name) for name in ("places", "preview"))
    from rheostat_client.previews import Piece

    layer = preview.PreviewLayer(image, places.Place(source, (0, 0, 97, 71), source))
    piece = Piece(0, 0, 97, 71, "rgb8", BLACK)
    layer.show(piece)
    return layer, piece


CASES = {each.__name__: each for each in (unselected, locked_group, mask_off, saved, swept)}
