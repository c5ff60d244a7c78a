"""What every scenario does with images: open, filter by procedure call, look at layers."""

from __future__ import annotations

import base64
from typing import Any

import gi

gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp, Gio

QUIET = Gimp.RunMode.NONINTERACTIVE
RECORD = "rheostat-settings"


def load(path: str) -> Any:
    """The image in a file."""
    return Gimp.file_load(QUIET, Gio.File.new_for_path(path))


def save(image: Any, path: str) -> None:
    """Write the image, in the format the name ends with."""
    assert Gimp.file_save(QUIET, image, Gio.File.new_for_path(path), None)


def call(
    image: Any, layers: list[Any], model: str = "tiny", mode: Any = QUIET, **values: Any
) -> dict[str, Any]:
    """Filter `layers`; the status, and the new layer or the error."""
    pdb = Gimp.get_pdb()
    procedure = pdb.lookup_procedure(f"rheostat-{model}")
    config = procedure.create_config()
    config.set_property("run-mode", mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", layers)
    for name, value in values.items():
        config.set_property(name, value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        return {"status": result.index(0).value_nick, "error": pdb.get_last_error()}
    return {"status": "success", "layer": describe(result.index(1))}


def describe(item: Any) -> dict[str, Any]:
    """Everything of a layer or mask that a test may compare."""
    is_layer = isinstance(item, Gimp.Layer)
    mask = item.get_mask() if is_layer else None
    record = item.get_parasite(RECORD)
    return {
        "name": item.get_name(),
        "id": item.get_id(),
        "tattoo": item.get_tattoo(),
        "offsets": list(item.get_offsets())[1:],
        "size": [item.get_width(), item.get_height()],
        "format": Babl.get_name(item.get_format()),
        "opacity": item.get_opacity() if is_layer else None,
        "mode": item.get_mode().value_nick if is_layer else None,
        "mask": describe(mask) if mask else None,
        "record": bytes(record.get_data()).decode() if record else None,
        "children": [describe(c) for c in item.get_children()] if item.is_group() else [],
        "pixels": base64.b64encode(_native(item)).decode(),
    }


def tree(image: Any) -> list[dict[str, Any]]:
    """All layers from the top, described."""
    return [describe(layer) for layer in image.get_layers()]


def _native(item: Any) -> bytes:
    area = Gegl.Rectangle.new(0, 0, item.get_width(), item.get_height())
    return bytes(item.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE))
