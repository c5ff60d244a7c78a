"""A large photograph: how long until the dialog, until the first preview, until the next value."""

from __future__ import annotations

import time
from typing import Any

from hosts.gimp.images import load
from hosts.gimp.live import latency, screen
from hosts.gimp.screen import find, keys, preview, show, wait_for


def main(picture: str, key: str, model: str) -> dict[str, Any]:
    """Seconds, and whether the image has only its own layer at the end."""
    image = load(picture)
    window = show(image)
    time.sleep(3)  # GIMP draws it for the first time
    before, start = screen(), time.monotonic()
    keys(window, key)
    dialog = wait_for(lambda: find(f"^{model}$"), every=0.02)
    opened = time.monotonic() - start
    wait_for(lambda: preview(image) and screen() != before, every=0.02)
    shown = time.monotonic() - start - opened
    later = [latency(dialog, value) for value in ("40", "15", "60")]
    keys(dialog, "Escape")
    wait_for(lambda: not find(f"^{model}$"))
    return {
        "dialog": opened,
        "first": shown,
        "later": later,
        "layers": len(image.get_layers()),
    }
