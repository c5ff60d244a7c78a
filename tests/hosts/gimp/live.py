"""A person drags sliders and watches the canvas; then things go wrong. Needs a display."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import gi
from hosts.gimp.images import describe, load, tree
from hosts.gimp.screen import (
    PLUG_IN,
    find,
    keys,
    open_dialog,
    preview,
    shoot,
    show,
    wait_for,
    wait_for_layers,
    xdotool,
)

gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gimp

SETTLED = 1.0  # seconds without a change after which the canvas counts as still


def main(picture: str, key: str, model: str, daemon: int, shots: str) -> dict[str, Any]:
    """The layers and the modified flag after each step, and how long the canvas took."""
    image = load(picture)
    window = show(image)
    image.clean_all()
    seen: dict[str, Any] = {"opened": state(image)}

    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    still(image)
    seen["first"] = still(image)
    seen["latency"] = [latency(dialog, value) for value in ("10", "45", "20", "60")]
    for value in ("12", "70", "31", "55", "24"):  # faster than anybody renders
        put(dialog, value)
    seen["dragged"] = still(image)
    shoot(Path(shots) / "gimp-live.png")
    keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    seen["cancelled"] = state(image)

    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    subprocess.run(["pkill", "-9", "-f", PLUG_IN], check=True)
    wait_for(lambda: not find(f"^{model}$"))
    dismiss()
    seen["killed"] = state(image)
    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    seen["swept"] = state(image)

    dialog = open_dialog(window, key, model)
    wait_for(lambda: preview(image))
    os.kill(daemon, signal.SIGKILL)
    put(dialog, "33")
    time.sleep(2)
    put(dialog, "24")  # a new daemon is started for it
    wait_for(lambda: preview(image) and still(image)["pixels"] == seen["dragged"]["pixels"])
    keys(dialog, "alt+o")
    wait_for_layers(image, 2)  # the dialog goes before the layer comes
    seen["accepted"] = state(image)
    keys(window, "ctrl+z")
    wait_for(lambda: len(image.get_layers()) == 1)
    seen["undone"] = state(image)
    return seen


def state(image: Any) -> dict[str, Any]:
    """What must not change behind a user's back."""
    return {"layers": tree(image), "dirty": image.is_dirty()}


def put(dialog: str, value: str) -> None:
    """Type a value into the first control."""
    keys(dialog, "alt+n", "ctrl+a")
    xdotool("type", value)
    keys(dialog, "Tab")


def still(image: Any) -> dict[str, Any]:
    """The preview when it has not changed for a while."""
    before, since = describe(preview(image)), time.monotonic()
    while time.monotonic() - since < SETTLED:
        time.sleep(0.2)
        now = describe(preview(image))
        if now["pixels"] != before["pixels"]:
            before, since = now, time.monotonic()
    return before


def latency(dialog: str, value: str) -> float:
    """Seconds from the key that sets a value to other pixels in the middle of the screen."""
    keys(dialog, "alt+n", "ctrl+a")
    xdotool("type", value)
    with subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, text=True) as person:
        assert person.stdin is not None
        time.sleep(0.2)  # until it listens
        before, start = screen(), time.monotonic()
        person.stdin.write("key Tab\n")
        person.stdin.flush()
        while screen() == before:
            assert time.monotonic() - start < 60, "the canvas does not follow"
            time.sleep(0.002)
        return time.monotonic() - start


def screen() -> bytes:
    """Pixels from the middle of the picture."""
    root = Gdk.get_default_root_window()
    x, y = root.get_width() * 5 // 12, root.get_height() // 2
    shot = Gdk.pixbuf_get_from_window(root, x - 32, y - 32, 64, 64)
    return bytes(shot.get_pixels())


def dismiss() -> None:
    """Close the message GIMP shows about a plug-in that died, if it does."""
    time.sleep(1)
    if message := find("GIMP Message"):
        keys(message, "Escape")
    Gimp.displays_flush()
