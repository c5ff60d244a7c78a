"""Filters a layer that has a group, an offset, a mask, a mode, an opacity and a locked content."""

from __future__ import annotations

from typing import Any

import gi
from hosts.gimp.images import call, load, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str) -> dict[str, Any]:
    """The layers before and after, and the call's outcome."""
    image = load(picture)
    (layer,) = image.get_layers()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    for name in ("below", "above"):
        image.insert_layer(layer.copy(), group, 0)
        group.get_children()[0].set_name(name)
        image.reorder_item(layer, group, 0)
    layer.set_offsets(-20, 13)
    layer.set_mode(Gimp.LayerMode.MULTIPLY)
    layer.set_opacity(50.0)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.COPY))
    layer.set_lock_content(True)
    image.reorder_item(layer, group, 1)
    before = tree(image)
    outcome = call(image, [layer], noise=20.0)
    seen = {"before": before, "after": tree(image), "outcome": outcome}
    image.delete()
    return seen
