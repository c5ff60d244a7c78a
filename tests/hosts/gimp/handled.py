"""A person uses everything in the dialog beside the sliders, by the keyboard. Needs a display."""

from __future__ import annotations

import json
from typing import Any

import gi
from hosts.gimp.images import load, tree
from hosts.gimp.live import put, still
from hosts.gimp.screen import find, keys, open_dialog, preview, show, wait_for, wait_for_layers

gi.require_version("Gimp", "3.0")


def main(picture: str, key: str, retune: str, model: str) -> dict[str, Any]:
    """The preview, or the layers, after each step."""
    image = load(picture)
    window = show(image)
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    put(dialog, "40")
    seen: dict[str, Any] = {"all": still(image)}
    keys(dialog, "alt+p")
    wait_for(lambda: preview(image).get_mask())
    seen["split"] = still(image)
    keys(dialog, "alt+p")
    wait_for(lambda: still(image)["pixels"] == seen["all"]["pixels"])
    seen["joined"] = still(image)
    keys(dialog, "alt+v")
    wait_for(lambda: not preview(image))
    keys(dialog, "alt+v")
    wait_for(lambda: preview(image))

    keys(dialog, "alt+f", "Up")  # another model in the same place
    wait_for(lambda: not preview(image))
    dialog = wait_for(lambda: find(f"^{model}$"))
    wait_for(lambda: preview(image))
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)
    seen["other"] = made_with(image)
    keys(window, "ctrl+f")
    wait_for_layers(image, 3)
    seen["repeated"] = made_with(image)

    below = image.get_layers()[1]
    image.set_selected_layers([below])
    dialog = open_dialog(window, retune, model)
    wait_for(lambda: preview(image))
    seen["above what"] = image.get_layers()[1 + image.get_layers().index(preview(image))].get_name()
    put(dialog, "7")
    keys(dialog, "alt+o")
    wait_for(lambda: not find(f"^{model}$"))
    wait_for_layers(image, 3)
    seen["retuned"] = tree(image)
    seen["selected"] = [layer.get_name() for layer in image.get_selected_layers()]

    image.set_selected_layers(image.get_layers()[-1:])
    dialog = open_dialog(window, key, model)
    keys(dialog, "alt+n", "Tab", "Tab", "space")  # Auto is behind the number and its way back
    wait_for(lambda: preview(image))
    still(image)
    keys(dialog, "alt+o")
    wait_for_layers(image, 4)
    record = json.loads(image_result(image)["record"])
    seen["auto"] = record["controls"]["noise"]
    return seen


def image_result(image: Any) -> dict[str, Any]:
    """The layer directly above the lowest, which is the source."""
    return tree(image)[-2]


def made_with(image: Any) -> list[str]:
    """The model of each layer from the top, or nothing."""
    records = [layer["record"] for layer in tree(image)]
    return [json.loads(record)["model"] if record else "" for record in records]
