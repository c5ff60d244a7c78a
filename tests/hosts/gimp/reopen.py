"""Filters, saves as XCF and loads that again."""

from __future__ import annotations

import json
from typing import Any

from hosts.gimp.images import RECORD, call, load, save, tree


def main(picture: str, file: str, noise: float) -> dict[str, Any]:
    """The layers before saving and after loading, and the source that the record leads to."""
    image = load(picture)
    call(image, image.get_layers(), noise=noise)
    saved = tree(image)
    save(image, file)
    image.delete()
    image = load(file)
    record = json.loads(bytes(image.get_layers()[0].get_parasite(RECORD).get_data()))
    source = image.get_layer_by_tattoo(record["source"]["tattoo"])
    seen = {"saved": saved, "loaded": tree(image), "source": source.get_name()}
    image.delete()
    return seen
