"""Every way a dialog can end without OK, in preview and while it renders. Needs a display."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gi
from hosts.gimp.images import load, tree
from hosts.gimp.live import dismiss, state
from hosts.gimp.screen import PLUG_IN, find, keys, open_dialog, preview, shoot, show, wait_for

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

CLOSE = "alt+F4"
NORMAL = Gimp.LayerMode.NORMAL
LATER = (("redone", "ctrl+y", 3), ("undone", "ctrl+z", 2), ("none", "ctrl+z", 1))


def main(
    picture: str, key: str, model: str, way: str, is_rendering: bool, plug_in: str, shots: str
) -> dict[str, Any]:
    """The image before, after, and as undo and redo then make it.

    `way` is a key, or `plug-in` or `daemon` for what is killed.
    """
    sys.path.insert(0, plug_in)
    image = load(picture)
    window = show(image)
    keys(window, "ctrl+shift+a")
    for step in ("first", "second"):  # a list of steps, one of them undone
        layer = Gimp.Layer.new(image, step, 4, 4, Gimp.ImageType.RGBA_IMAGE, 100, NORMAL)
        image.insert_layer(layer, None, len(image.get_layers()))
    keys(window, "ctrl+z")
    wait_for(lambda: len(image.get_layers()) == 2)
    image.set_selected_layers(image.get_layers()[:1])
    image.clean_all()
    seen: dict[str, Any] = {"before": state(image)}

    dialog = open_dialog(window, key, model)
    if is_rendering:
        keys(dialog, "alt+o")
        wait_for(daemon)
        time.sleep(1.5)  # for the pixels to get there
    else:
        wait_for(lambda: preview(image))
    WAYS.get(way, press)(dialog, way)
    if is_rendering and way in ("Escape", CLOSE, "daemon"):
        time.sleep(2)
        assert find(f"^{model}$"), "one returns to the sliders"
        shoot(Path(shots) / f"gimp-ended-{way}.png")
        keys(dialog, "Escape")
    elif way == "daemon":
        time.sleep(2)
        shoot(Path(shots) / "gimp-lost.png")
        keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    if way == "plug-in":
        dismiss()
        seen["left behind"] = [layer["name"] for layer in tree(image)]
        dialog = open_dialog(window, key, model)
        wait_for(lambda: preview(image))
        keys(dialog, "Escape")
        wait_for(lambda: not find(f"^{model}$"))
    seen["after"] = state(image)

    for name, pressed, count in LATER:
        keys(window, pressed)
        wait_for(partial(has_layers, image, count))
        seen[name] = [layer["name"] for layer in tree(image)]
    return seen


def has_layers(image: Any, count: int) -> bool:
    """Whether it has so many."""
    return len(image.get_layers()) == count


def press(dialog: str, key: str) -> None:
    """Press a key in the dialog."""
    keys(dialog, key)


def kill_plug_in(_dialog: str, _way: str) -> None:
    """End the process that shows the dialog."""
    subprocess.run(["pkill", "-9", "-f", PLUG_IN], check=True)


def kill_daemon(_dialog: str, _way: str) -> None:
    """End the process that renders."""
    os.kill(daemon(), signal.SIGKILL)


def daemon() -> int:
    """The process of the daemon; 0 if none runs."""
    from rheostat_client.rendezvous import read, runtime_folder

    record = read(runtime_folder())
    return record.pid if record and Path(f"/proc/{record.pid}").exists() else 0


WAYS: dict[str, Callable[[str, str], None]] = {"plug-in": kill_plug_in, "daemon": kill_daemon}
