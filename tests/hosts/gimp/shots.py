"""A person filters a photograph; pictures of the screen for the guide. Needs a display."""

from __future__ import annotations

from pathlib import Path

from hosts.gimp.images import load
from hosts.gimp.live import put, still
from hosts.gimp.screen import keys, open_dialog, preview, shoot, show, wait_for, wait_for_layers


def main(picture: str, key: str, retune: str, model: str, noise: str, shots: str) -> None:
    """gimp-dialog.png with the divider, gimp-result.png, gimp-retune.png."""
    image = load(picture)
    window = show(image)
    dialog = open_dialog(window, key, model)
    put(dialog, noise)
    keys(dialog, "alt+p")
    wait_for(lambda: preview(image))
    still(image)
    shoot(Path(shots) / "gimp-dialog.png")
    keys(dialog, "alt+p", "alt+o")
    wait_for_layers(image, 2)
    shoot(Path(shots) / "gimp-result.png")
    image.set_selected_layers(image.get_layers()[:1])
    dialog = open_dialog(window, retune, model)
    wait_for(lambda: preview(image))
    still(image)
    shoot(Path(shots) / "gimp-retune.png")
    keys(dialog, "Escape")
