"""Shows a preview with a divider, beside a feathered selection and without, as the dialog does."""

from __future__ import annotations

import base64
import importlib
import sys
from typing import Any

import gi
from hosts.gimp.images import describe, load, tree

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp


def main(picture: str, plug_in: str) -> dict[str, Any]:
    """What is visible, as R'G'B' u8, for each position of the divider; what is left afterwards."""
    sys.path.insert(0, plug_in)
    places = importlib.import_module("places")
    preview_layer = importlib.import_module("preview").PreviewLayer
    from rheostat_client.comparing import Split
    from rheostat_client.previews import Piece

    seen: dict[str, Any] = {}
    for case in ("whole", "selected"):
        image = load(picture)
        (layer,) = image.get_layers()
        if case == "selected":
            image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 10, 60, 50)
            Gimp.Selection.feather(image, 6.0)
        image.clean_all()
        before = tree(image)
        (place,) = places.find(image, [layer], places.LAYERS)
        preview = preview_layer(image, place)
        x, y, width, height = place.box
        piece = Piece(x, y, width, height, "rgb8", bytes(3 * width * height))
        shown = {"source": visible(image)}
        preview.split(Split(is_on=True, divider=0.25))
        preview.show(piece)
        shown["quarter"] = visible(image)
        preview.split(Split(is_on=True, divider=0.75))
        shown["three quarters"] = visible(image)
        preview.show(piece)  # a newer value arrives under the line
        preview.split(Split(is_held=True))
        shown["held"] = visible(image)
        preview.split(Split())
        shown["all"] = visible(image)
        mark = describe(image.get_layers()[0])["name"]
        preview.hide()
        seen[case] = {
            "box": list(place.box),
            "shown": shown,
            "name": mark,
            "is as before": tree(image) == before and not image.is_dirty(),
        }
        image.delete()
    return seen


def visible(image: Any) -> str:
    """All layers together."""
    copy = Gimp.Layer.new_from_visible(image, image, "visible")
    area = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    data = copy.get_buffer().get(area, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    copy.delete()
    return base64.b64encode(data).decode()
