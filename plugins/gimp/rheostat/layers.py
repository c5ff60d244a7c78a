"""Layers as bytes: everything the plug-in reads from and writes to an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import gi

gi.require_version("Babl", "0.1")
import metadata
import sources
from gi.repository import Babl, Gegl, Gimp
from rheostat_client.connection import Region, Rendered
from rheostat_client.errors import RheostatError
from rheostat_client.texts import _

if TYPE_CHECKING:
    from places import Place

_LAYOUTS = {"gray": "Y'", "graya": "Y'A", "rgb": "R'G'B'", "rgba": "R'G'B'A"}
_DEPTHS = {"8": "u8", "16": "u16", "32f": "float"}
# Wire format -> babl format. An unknown babl name would abort the process: only these are used.
BABL = {w + d: f"{_LAYOUTS[w]} {_DEPTHS[d]}" for w in _LAYOUTS for d in _DEPTHS}
_WIRE = {babl: wire for wire, babl in BABL.items()}


class Pixels(NamedTuple):
    """Pixels as `Connection.filter` takes them."""

    data: bytes
    format: str
    width: int
    height: int


def chosen(drawables: list[Any]) -> list[Any]:
    """The layers to filter; RheostatError `bad-picture` for what cannot be filtered.

    Menus grey the entry out in most of these cases; scripts and shortcuts get here.
    """
    if not drawables:
        raise _refuse(_("No layer is selected."), _("Select one."))
    return [_checked(layer) for layer in drawables]


def check_alive(*items: Any) -> None:
    """RheostatError `bad-picture` if a layer, mask or channel was deleted meanwhile."""
    if not all(item.is_valid() for item in items):
        raise _refuse(
            _("A layer, mask or channel that is needed was deleted."),
            _("Undo its deletion, and filter again."),
        )


def locked(item: Any) -> Any:
    """What locks the pixels of `item`: the outermost group around it, or itself; None if nothing.

    GIMP ends a process that writes them.
    """
    group = item.get_parent()
    return (locked(group) if group else None) or (item if item.get_lock_content() else None)


def unlocked(layer: Any) -> Any:
    """The layer; RheostatError `bad-picture` if its pixels are locked."""
    if lock := locked(layer):
        raise _refuse(
            _("The pixels of '{name}' are locked.").format(name=lock.get_name()),
            _("Unlock them, or have the result as a new layer."),
        )
    return layer


def _checked(layer: Any) -> Any:
    check_alive(layer)
    if not isinstance(layer, Gimp.Layer):
        raise _refuse(
            _("'{name}' is not a layer.").format(name=layer.get_name()),
            _("Select a layer, not its mask."),
        )
    if layer.is_group():
        raise _refuse(
            _("'{name}' is a layer group.").format(name=layer.get_name()),
            _("Select a layer inside it."),
        )
    if layer.is_floating_sel():
        raise _refuse(
            _("The selection is floating."), _("Anchor it or make it a layer (Layer menu).")
        )
    check_mode(layer.get_image())
    return layer


def check_mode(image: Any) -> None:
    """RheostatError `bad-picture` if the image has indexed colours."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise _refuse(_("The image has indexed colours."), _("Choose Image ▸ Mode ▸ RGB first."))


def read(layer: Any) -> Pixels:
    """The layer's pixels, sRGB-encoded.

    8 and 16 bit sRGB layers are read as they are; everything else (linear, float, another colour
    space) as float, which holds colours outside sRGB too. RheostatError `bad-picture` if it was
    deleted.
    """
    check_alive(layer)
    native = Babl.get_name(layer.get_format())
    form = _WIRE.get(native, _layout(layer) + "32f")
    return _read(layer, form, BABL[form], (0, 0, layer.get_width(), layer.get_height()))


def read_maps(items: dict[str, Any], layer: Any) -> dict[str, Pixels]:
    """Items (layers, masks or channels) by control id as grey where `layer` is; black outside and
    where they are transparent."""
    return {control: _read_map(item, layer) for control, item in items.items()}


def _read_map(item: Any, layer: Any) -> Pixels:
    check_alive(item, layer)
    x, y = (a - b for a, b in zip(layer.get_offsets()[1:], item.get_offsets()[1:]))
    width, height = layer.get_width(), layer.get_height()
    # Premultiplied, so that what is transparent becomes black; every second value is alpha.
    both = _read(item, "graya8", "Y'aA u8", (x, y, width, height))
    return Pixels(both.data[::2], "gray8", width, height)


def box(layer: Any) -> Region:
    """What of `layer` is to be filtered, in its own pixels: the box of the selection, or all.

    RheostatError `bad-picture` if the selection misses the layer.
    """
    meets, x, y, width, height = layer.mask_intersect()  # all of it without a selection
    if not meets:
        raise _refuse(
            _("The selection is beside '{name}'.").format(name=layer.get_name()),
            _("Select a part of the layer, or none."),
        )
    return x, y, width, height


def draft(image: Any, source: Any, name: str, box: Region) -> Any:
    """A layer for a result in `box` (in the source's pixels), not yet in the image.

    It stands where the source stands. Mode and opacity are not copied: the source stays, and mixing
    the two is what the new layer's opacity is for.
    """
    x, y, width, height = box
    kind, mode = source.type(), Gimp.LayerMode.NORMAL
    layer = Gimp.Layer.new(image, name, width, height, kind, 100.0, mode)
    left, top = source.get_offsets()[1:]
    layer.set_offsets(left + x, top + y)
    return layer


def selected(layer: Any, box: Region) -> bytes | None:
    """What is selected in a box of `layer`, as masks have it; None if the image has no selection.

    That may change before the result is there.
    """
    image = layer.get_image()
    if Gimp.Selection.is_empty(image):
        return None
    (left, top), (x, y, width, height) = layer.get_offsets()[1:], box
    area = Gegl.Rectangle.new(left + x, top + y, width, height)
    mask = image.get_selection()
    form = Babl.get_name(mask.get_format())
    return bytes(mask.get_buffer().get(area, 1.0, form, Gegl.AbyssPolicy.NONE))


def cover(layer: Any, like: Any, selection: bytes | None) -> None:
    """Give `layer`, in the image already, the mask of `like`, and of the selection if there is one.

    A mask that is switched off does not count.
    """
    if selection is None and not like.get_apply_mask():
        return
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    if selection is not None:
        whole, buffer = (0, 0, mask.get_width(), mask.get_height()), mask.get_buffer()
        buffer.set(Gegl.Rectangle.new(*whole), Babl.get_name(mask.get_format()), selection)
        buffer.flush()
        mask.update(*whole)
    if like.get_apply_mask():
        # A mask has its layer's size: both offsets are those in the image.
        (x, y), (left, top) = like.get_offsets()[1:], layer.get_offsets()[1:]
        mask.combine_masks(like.get_mask(), Gimp.ChannelOps.INTERSECT, x - left, y - top)
    layer.set_edit_mask(False)


def insert(image: Any, place: Place, rendered: Rendered, name: str, maps: dict[str, Any]) -> Any:
    """A new layer of the rendered pixels, where `place` says.

    The source stays selected, so that Repeat filters it and not the result.
    """
    box = (rendered.x, rendered.y, rendered.width, rendered.height)
    layer = draft(image, place.layer, name, box)
    write(layer, (0, 0, *box[2:]), rendered.format, rendered.pixels)
    image.insert_layer(layer, *place.slot(image))
    cover(layer, place.masked_like, place.selection)
    sources.remember(layer, place, rendered.settings, name, maps)
    return layer


def replace(image: Any, place: Place, rendered: Rendered, name: str, maps: dict[str, Any]) -> Any:
    """The result that `place` is above, with other pixels: a copy of it, with mask, mode and
    opacity, takes its place."""
    result = place.above
    layer = result.copy()
    whole = (0, 0, layer.get_width(), layer.get_height())
    if whole[2:] != (rendered.width, rendered.height):
        raise _refuse(
            _("'{name}' is {size} pixels, its source gives {given}.").format(
                name=result.get_name(),
                size=f"{whole[2]} × {whole[3]}",
                given=f"{rendered.width} × {rendered.height}",
            ),
            _("Filter the source again instead."),
        )
    is_locked = layer.get_lock_content()
    layer.set_lock_content(False)
    write(layer, whole, rendered.format, rendered.pixels)
    layer.set_lock_content(is_locked)
    image.insert_layer(layer, *place.slot(image))
    sources.remember(layer, place, rendered.settings, name, maps)
    image.remove_layer(result)
    image.set_selected_layers([layer])
    layer.set_name(name)
    return layer


def overwrite(place: Place, rendered: Rendered) -> Any:
    """Put the rendered pixels into the source itself, as far as they are selected.

    RheostatError `bad-picture` if GIMP does not take them.
    """
    layer = place.layer
    box = (rendered.x, rendered.y, rendered.width, rendered.height)
    whole = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    buffer = layer.get_shadow_buffer()
    # All that is selected by now is taken from it, beside the box too.
    layer.get_buffer().copy(whole, Gegl.AbyssPolicy.NONE, buffer, whole)
    buffer.set(Gegl.Rectangle.new(*box), BABL[rendered.format], bytes(rendered.pixels))
    buffer.flush()
    if not layer.merge_shadow(True):
        raise _refuse(
            _("GIMP did not take the pixels of '{name}'.").format(name=layer.get_name()),
            _("Undo, and filter again."),
        )
    layer.update(*box)
    metadata.describe(layer.get_image(), rendered.settings)
    return layer


def enlarged(source: Any, rendered: Rendered, name: str) -> Any:
    """A new image of the rendered pixels, with the source's precision, profile and resolution."""
    old = source.get_image()
    width, height = rendered.width, rendered.height
    image = Gimp.Image.new_with_precision(width, height, old.get_base_type(), old.get_precision())
    image.set_color_profile(old.get_effective_color_profile())
    across, down = old.get_resolution()[1:]
    image.set_resolution(across, down)
    layer = Gimp.Layer.new(image, name, width, height, source.type(), 100.0, Gimp.LayerMode.NORMAL)
    write(layer, (0, 0, width, height), rendered.format, rendered.pixels)
    image.insert_layer(layer, None, 0)
    metadata.describe(image, rendered.settings)
    return layer


def write(drawable: Any, box: Region, form: str, pixels: bytes) -> None:
    """Put pixels in the wire format `form` into `box` of a drawable."""
    buffer = drawable.get_buffer()
    # bytes: any other kind is copied value by value
    buffer.set(Gegl.Rectangle.new(*box), BABL[form], bytes(pixels))
    buffer.flush()
    drawable.update(*box)


def _read(drawable: Any, form: str, babl: str, box: Region) -> Pixels:
    data = drawable.get_buffer().get(Gegl.Rectangle.new(*box), 1.0, babl, Gegl.AbyssPolicy.NONE)
    return Pixels(data, form, box[2], box[3])


def _layout(layer: Any) -> str:
    return ("gray" if layer.is_gray() else "rgb") + ("a" if layer.has_alpha() else "")


def _refuse(message: str, remedy: str) -> RheostatError:
    return RheostatError("bad-picture", message, remedy)
