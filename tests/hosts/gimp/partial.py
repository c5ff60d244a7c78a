"""Filters with a feathered selection, with a painted map, several layers at once; enlarges."""

from __future__ import annotations

import base64
from typing import Any

import gi
from hosts.gimp.images import call, describe, load, tree

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp


def main(picture: str) -> dict[str, Any]:
    """Layers and outcomes."""
    seen: dict[str, Any] = {}
    image = load(picture)
    (layer,) = image.get_layers()
    layer.set_offsets(5, 3)
    seen["whole"] = call(image, [layer], noise=40.0)["layer"]
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 10, 40, 30)
    Gimp.Selection.feather(image, 6.0)
    seen["selected"] = call(image, [layer], noise=40.0)["layer"]
    seen["selection"] = grey(image.get_selection())
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 3, 2)
    seen["beside"] = call(image, [layer], noise=40.0)
    Gimp.Selection.none(image)
    image.delete()

    image = load(picture)
    (layer,) = image.get_layers()
    paint_sky(image)
    seen["painted"] = call(image, [layer], noise=40.0, maps='{"noise": "Sky"}')["layer"]
    seen["source"] = describe(layer)
    seen["everywhere"] = call(image, [layer], noise=40.0)["layer"]
    seen["no such map"] = call(image, [layer], noise=40.0, maps='{"noise": "Sea"}')
    image.delete()

    image = load(picture)
    image.insert_layer(image.get_layers()[0].copy(), None, 0)
    call(image, list(image.get_layers()), noise=20.0)
    seen["both"] = [layer["name"] for layer in tree(image)]
    before = Gimp.get_images()
    seen["enlarged"] = call(image, [image.get_layers()[1]], model="upscaler")["layer"]
    seen["images"] = len(Gimp.get_images()) - len(before)
    for one in Gimp.get_images():
        one.delete()
    return seen


def paint_sky(image: Any) -> None:
    """A channel `Sky` that is white on the left, to 40."""
    channel = Gimp.Channel.new(image, "Sky", image.get_width(), image.get_height(), 50.0, white())
    image.insert_channel(channel, None, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 40, image.get_height())
    Gimp.context_set_foreground(white())
    channel.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(image)


def white() -> Any:
    """The colour."""
    return Gegl.Color.new("white")


def grey(drawable: Any) -> dict[str, Any]:
    """The values of a mask in the whole image."""
    box = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    data = drawable.get_buffer().get(box, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
    return {"size": [box.width, box.height], "pixels": base64.b64encode(data).decode()}
