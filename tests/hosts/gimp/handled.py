"""A person uses everything in the dialog beside the sliders, by the keyboard. Needs a display."""

from __future__ import annotations

import json
from typing import Any

import gi
from hosts.gimp.images import load, tree
from hosts.gimp.live import put, still
from hosts.gimp.screen import (
    find,
    keys,
    open_dialog,
    preview,
    show,
    wait_for,
    wait_for_layers,
    xdotool,
)

gi.require_version("Gimp", "3.0")

SLIDER = "188"  # row of the screen in which the first slider of a dialog is that was put aside


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
    wait_for(lambda: str(image.get_layers()[1].get_name()).startswith(f"{model} · noise 7 "))
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
    seen["auto"] = noise_of(tree(image)[-2])

    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    drag(1040, 1210, 1060, 1190, 1130)
    seen["dragged"] = still(image)
    keys(dialog, "alt+o")
    wait_for_layers(image, 5)
    result = tree(image)[-2]
    seen["dropped"] = {"noise": noise_of(result), "pixels": result["pixels"]}

    image.set_selected_layers(image.get_layers()[:2])
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    keys(dialog, "alt+o")
    wait_for_layers(image, 7)
    seen["several"] = made_with(image)
    return seen


def drag(first: int, *others: int) -> None:
    """Take the first slider of the dialog at the column `first` of the screen, and move fast."""
    xdotool("mousemove", f"{first}", SLIDER, "mousedown", "1")
    for x in others:
        xdotool("mousemove", f"{x}", SLIDER)
    xdotool("mouseup", "1")


def noise_of(layer: dict[str, Any]) -> float:
    """The control of a result."""
    return float(json.loads(layer["record"])["controls"]["noise"])


def made_with(image: Any) -> list[str]:
    """The model of each layer from the top, or nothing."""
    records = [layer["record"] for layer in tree(image)]
    return [json.loads(record)["model"] if record else "" for record in records]
