"""Calls a procedure from Script-Fu, where nothing stands between a value and GIMP's own check."""

from __future__ import annotations

from typing import Any

import gi
from hosts.gimp.images import load, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str, noise: float) -> dict[str, Any]:
    """The error, and whether the image is as it was."""
    image = load(picture)
    before = tree(image)
    (layer,) = image.get_layers()
    code = (
        f"(rheostat-tiny #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()} "
        f"#:drawables (vector {layer.get_id()}) #:noise {noise})"
    )
    pdb = Gimp.get_pdb()
    evaluate = pdb.lookup_procedure("plug-in-script-fu-eval")
    config = evaluate.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("script", code)
    status = evaluate.run(config).index(0).value_nick
    seen = {
        "status": status,
        "error": pdb.get_last_error(),
        "unchanged": tree(image) == before,
    }
    image.delete()
    return seen
