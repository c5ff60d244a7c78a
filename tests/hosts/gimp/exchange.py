"""Pictures from other programs are re-tuned; a result leaves as PNG, ORA and PSD."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio
from hosts.gimp.images import QUIET, call, load, save, tree
from hosts.gimp.retuned import retune


def main(files: list[str], picture: str, folder: str) -> dict[str, Any]:
    """For each file, the record after its highest layer was re-tuned with the same settings."""
    seen: dict[str, Any] = {}
    for file in files:
        image = load(file)
        made = retune(image, {})
        seen[file] = {"made": made, "layers": [layer["name"] for layer in tree(image)]}
        image.delete()
    image = load(picture)
    seen["nothing"] = retune(image, {})
    call(image, image.get_layers(), noise=31.0, detail=0.7)
    export(image, f"{folder}/gimp.png")
    for ending in ("ora", "psd"):
        save(image, f"{folder}/gimp.{ending}")
    seen["made"] = tree(image)[0]["record"]
    image.delete()
    return seen


def export(image: Any, path: str) -> None:
    """Write a PNG with "Save XMP data" ticked."""
    procedure = Gimp.get_pdb().lookup_procedure("file-png-export")
    config = procedure.create_config()
    config.set_property("run-mode", QUIET)
    config.set_property("image", image)
    config.set_property("file", Gio.File.new_for_path(path))
    config.set_property("include-xmp", True)
    assert procedure.run(config).index(0) == Gimp.PDBStatusType.SUCCESS
