"""A photograph: how long until the dialog, until the first preview, until the next values."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from hosts.gimp.images import load
from hosts.gimp.live import latency, screen
from hosts.gimp.screen import PLUG_IN, find, keys, preview, put_aside, show, wait_for


def main(picture: str, key: str, model: str, values: list[str]) -> dict[str, Any]:
    """Seconds, the plug-in's memory, and whether the image has only its own layer at the end.

    `later` is from the key that sets each of the `values` to other pixels on the screen, in the
    middle of the picture, which is shown first.
    """
    image = load(picture)
    window = show(image)
    time.sleep(3)  # GIMP draws it for the first time
    before, start = screen(), time.monotonic()
    keys(window, key)
    dialog = wait_for(lambda: find(f"^{model}$"), every=0.02)
    opened = time.monotonic() - start
    put_aside(dialog)
    wait_for(lambda: preview(image) and screen() != before, every=0.02)
    shown = time.monotonic() - start - opened
    later = [latency(dialog, value) for value in values]
    memory = peak()
    keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    return {
        "dialog": opened,
        "first": shown,
        "later": later,
        "memory": memory,
        "layers": len(image.get_layers()),
    }


def peak() -> int:
    """Bytes of memory that the plug-in has used at most."""
    process = subprocess.check_output(["pgrep", "-n", "-f", PLUG_IN], text=True).strip()
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return 1024 * int(kilobytes)
