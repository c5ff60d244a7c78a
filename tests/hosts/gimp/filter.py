"""Filters the only layer of a picture."""

from __future__ import annotations

from typing import Any

from hosts.gimp.images import call, load, tree


def main(picture: str, model: str = "tiny", **values: float) -> dict[str, Any]:
    """The layers before and after, which are selected at the end, and the call's outcome."""
    image = load(picture)
    before = tree(image)
    outcome = call(image, image.get_layers(), model, **values)
    selected = [layer.get_id() for layer in image.get_selected_layers()]
    seen = {"before": before, "after": tree(image), "selected": selected, "outcome": outcome}
    image.delete()
    return seen
