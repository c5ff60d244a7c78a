"""Layers as bytes: everything the plug-in reads from and writes to an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import gi

gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp
from rheostat_client.connection import Rendered
from rheostat_client.errors import RheostatError
from rheostat_client.settings import PARASITE, Settings

_LAYOUTS = {"gray": "Y'", "graya": "Y'A", "rgb": "R'G'B'", "rgba": "R'G'B'A"}
_DEPTHS = {"8": "u8", "16": "u16", "32f": "float"}
# Wire format -> babl format. An unknown babl name would abort the process: only these are used.
_BABL = {w + d: f"{_LAYOUTS[w]} {_DEPTHS[d]}" for w in _LAYOUTS for d in _DEPTHS}
_WIRE = {babl: wire for wire, babl in _BABL.items()}


class Pixels(NamedTuple):
    """A layer's pixels as `Connection.filter` takes them."""

    data: bytes
    format: str
    width: int
    height: int


def source(drawables: list[Any]) -> Any:
    """The layer to filter, or RheostatError `bad-picture` if the selection is not just one.

    Menus grey the entry out in most of these cases; scripts and shortcuts get here.
    """
    if len(drawables) != 1:
        raise _refuse(f"{len(drawables)} layers are selected.", "Select one layer.")
    (layer,) = drawables
    if not isinstance(layer, Gimp.Layer):
        raise _refuse(f"'{layer.get_name()}' is not a layer.", "Select a layer, not its mask.")
    if layer.is_group():
        raise _refuse(f"'{layer.get_name()}' is a layer group.", "Select a layer inside it.")
    if layer.is_floating_sel():
        raise _refuse("The selection is floating.", "Anchor it or make it a layer (Layer menu).")
    if layer.is_indexed():
        raise _refuse("The image has indexed colours.", "Choose Image > Mode > RGB first.")
    return layer


def read(layer: Any) -> Pixels:
    """The layer's pixels, sRGB-encoded.

    8 and 16 bit sRGB layers are read as they are; everything else (linear, float, another colour
    space) as float, which holds colours outside sRGB too.
    """
    native = Babl.get_name(layer.get_format())
    form = _WIRE.get(native, _layout(layer) + "32f")
    width, height = layer.get_width(), layer.get_height()
    area = Gegl.Rectangle.new(0, 0, width, height)
    data = layer.get_buffer().get(area, 1.0, _BABL[form], Gegl.AbyssPolicy.NONE)
    return Pixels(data, form, width, height)


def insert(image: Any, source: Any, rendered: Rendered, name: str) -> Any:
    """A new layer of the rendered pixels, directly above `source`, as one undo step.

    It stands where the source stands and hides what the source's mask hides. Mode and opacity are
    not copied: the source stays, and mixing the two is what the new layer's opacity is for.
    `source` stays selected, so that Repeat filters it and not the result.
    """
    if not source.is_valid():
        raise _refuse("The layer was deleted while it was filtered.", "Undo, and filter again.")
    size, mode = (rendered.width, rendered.height), Gimp.LayerMode.NORMAL
    layer = Gimp.Layer.new(image, name, *size, source.type(), 100.0, mode)
    _write(layer, _BABL[rendered.format], rendered.pixels)
    _, x, y = source.get_offsets()
    layer.set_offsets(x, y)
    layer.attach_parasite(_record(source, rendered.settings))
    if source.get_mask():
        layer.add_mask(_copied_mask(source, layer))

    image.undo_group_start()
    image.insert_layer(layer, source.get_parent(), image.get_item_position(source))
    image.set_selected_layers([source])
    image.undo_group_end()
    Gimp.displays_flush()
    return layer


def _layout(layer: Any) -> str:
    return ("gray" if layer.is_gray() else "rgb") + ("a" if layer.has_alpha() else "")


def _write(drawable: Any, babl: str, pixels: bytes) -> None:
    buffer = drawable.get_buffer()
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    buffer.set(area, babl, bytes(pixels))  # bytes: any other kind is copied value by value
    buffer.flush()
    drawable.update(0, 0, area.width, area.height)


def _copied_mask(source: Any, layer: Any) -> Any:
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    area = Gegl.Rectangle.new(0, 0, source.get_width(), source.get_height())
    values = source.get_mask().get_buffer().get(area, 1.0, "Y float", Gegl.AbyssPolicy.NONE)
    _write(mask, "Y float", values)
    return mask


def _record(source: Any, settings: str) -> Any:
    # A tattoo survives saving but not copying into another image; the name helps there.
    origin = {"tattoo": source.get_tattoo(), "name": source.get_name()}
    record = replace(Settings.from_json(settings), source=origin).to_json()
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    return Gimp.Parasite.new(PARASITE, flags, record.encode())


def _refuse(message: str, remedy: str) -> RheostatError:
    return RheostatError("bad-picture", message, remedy)
