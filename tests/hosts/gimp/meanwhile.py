"""A person goes on working while a dialog of Rheostat is open. Needs a display."""

from __future__ import annotations

from typing import Any

import gi
from hosts.gimp.images import call, describe, load, save, tree
from hosts.gimp.live import put, still
from hosts.gimp.screen import (
    find,
    keys,
    open_dialog,
    press_ok,
    preview,
    show,
    wait_for,
    wait_for_layers,
    xdotool,
)

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp

WHOLE = ("alt+u", "Down")  # the keys that choose the whole image as source


def main(case: str, picture: str, file: str, key: str, retune: str, model: str) -> dict[str, Any]:
    """What comes of a case; `key` and `retune` open the dialogs, of which one is called `model`."""
    save(load(picture), file)
    image = load(file)
    return CASES[case](image, show(image), key, retune, model)


def whole(image: Any, window: str, key: str, retune: str, model: str) -> dict[str, Any]:
    """The whole image is filtered, and the result re-tuned."""
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    keys(dialog, *WHOLE)
    put(dialog, "40")
    wait_for(lambda: preview(image))
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)
    seen = {"filtered": tree(image)}
    image.set_selected_layers(image.get_layers()[:1])
    dialog = open_dialog(window, retune, model)
    wait_for(lambda: preview(image))
    put(dialog, "7")
    keys(dialog, "alt+o")
    wait_for(lambda: image.get_layers()[0].get_name().startswith(f"{model} · noise 7"))
    wait_for_layers(image, 2)
    return {**seen, "retuned": tree(image)}


def moved(image: Any, window: str, key: str, _retune: str, model: str) -> dict[str, Any]:
    """Another source is chosen while the first is rendered in full."""
    dialog = open_dialog(window, key, model)
    press_ok(image, dialog)
    keys(dialog, *WHOLE)
    assert find(f"^{model}$"), "the render was over before the keys came"
    wait_for_layers(image, 2)
    wait_for(lambda: not find(f"^{model}$"))
    return {"filtered": tree(image)}


def painted(image: Any, window: str, key: str, _retune: str, model: str) -> dict[str, Any]:
    """The selection goes, and the source is painted on."""
    (source,) = image.get_layers()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 20, 60, 50)
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    put(dialog, "40")
    still(image)
    Gimp.Selection.none(image)
    buffer = source.get_buffer()
    buffer.set(Gegl.Rectangle.new(20, 30, 20, 20), "R'G'B' u8", bytes(range(240)) * 5)
    buffer.flush()
    source.update(20, 30, 20, 20)
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)
    found = describe(image.get_layers()[0])
    return {"found": found, "expected": call(image, [source], noise=40.0)["layer"]}


def saved(image: Any, window: str, key: str, _retune: str, model: str) -> dict[str, Any]:
    """The image is changed, and saved while the preview is in it; then the dialog is cancelled."""
    (source,) = image.get_layers()
    before = tree(image)
    source.set_opacity(50.0)
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    still(image)
    keys(window, "ctrl+s")
    wait_for(lambda: not image.is_dirty())
    keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    return {
        "before": [layer["name"] for layer in before],
        "after": [layer["name"] for layer in tree(image)],
        "is dirty": image.is_dirty(),
    }


def preset(image: Any, window: str, key: str, _retune: str, model: str) -> dict[str, Any]:
    """A preset is called like the defaults; then it is deleted."""
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    put(dialog, "40")
    keys(dialog, "alt+f", "Tab", "Tab", "space")
    question = wait_for(lambda: find("^Save preset$"))
    keys(question, "ctrl+a")
    xdotool("type", "Defaults")
    keys(question, "Return")
    wait_for(lambda: not find("^Save preset$"))
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)
    return {"filtered": tree(image)}


CASES = {each.__name__: each for each in (whole, moved, painted, saved, preset)}
