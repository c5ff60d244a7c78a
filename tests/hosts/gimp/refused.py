"""Calls that cannot be right, which menus prevent and scripts do not."""

from __future__ import annotations

from typing import Any

import gi
from hosts.gimp.images import call, load, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str) -> dict[str, Any]:
    """The outcome of each call by what is wrong with it, and whether any changed its image."""
    outcomes = {}
    for case in (nothing, mask, group, floating, indexed):
        image = load(picture)
        layers = case(image)
        before = tree(image)
        outcomes[case.__name__] = {**call(image, layers), "unchanged": tree(image) == before}
        image.delete()
    return outcomes


def nothing(_image: Any) -> list[Any]:
    """No layer."""
    return []


def mask(image: Any) -> list[Any]:
    """A layer's mask."""
    (layer,) = image.get_layers()
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    return [layer.get_mask()]


def group(image: Any) -> list[Any]:
    """A group with a layer in it."""
    folder = Gimp.GroupLayer.new(image, "folder")
    (layer,) = image.get_layers()
    image.insert_layer(folder, None, 0)
    image.reorder_item(layer, folder, 0)
    return [folder]


def floating(image: Any) -> list[Any]:
    """A floating selection."""
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 20, 20)
    return [Gimp.Selection.float(image, image.get_layers(), 5, 5)]


def indexed(image: Any) -> list[Any]:
    """A layer of an image with a palette."""
    palette = Gimp.ConvertPaletteType.GENERATE
    image.convert_indexed(Gimp.ConvertDitherType.NONE, palette, 16, False, False, "")
    return list(image.get_layers())
