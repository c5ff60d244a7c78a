"""Deletes a layer while it is being filtered. Needs a display."""

from __future__ import annotations

from typing import Any

from hosts.gimp.images import load, tree
from hosts.gimp.screen import find, open_dialog, press_ok, show, wait_for


def main(picture: str, key: str, model: str) -> dict[str, Any]:
    """The layers after the deletion, and after GIMP has shown its message."""
    image = load(picture)
    (layer,) = image.get_layers()
    image.insert_layer(layer.copy(), None, 0)
    image.set_selected_layers([layer])
    press_ok(image, open_dialog(show(image), key, model))
    image.remove_layer(layer)
    seen = {"deleted": tree(image)}
    wait_for(lambda: find("^GIMP Message$"))
    return {**seen, "told": tree(image)}
