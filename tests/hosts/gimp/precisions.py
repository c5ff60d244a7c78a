"""Filters the same picture in every precision and colour space an image can have."""

from __future__ import annotations

from typing import Any

import gi
from hosts.gimp.images import call, load, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str, precisions: list[str], noise: float) -> dict[str, Any]:
    """By precision, then for a wide colour space: the layers, brought back to 8-bit sRGB."""
    seen = {}
    for name in precisions:
        image = load(picture)
        if (precision := getattr(Gimp.Precision, name)) != image.get_precision():
            image.convert_precision(precision)
        seen[name] = filtered(image, noise)
    image = load(picture)
    convert(image, Gimp.ColorProfile.new_rgb_adobe())
    seen["Adobe RGB"] = filtered(image, noise)
    return seen


def filtered(image: Any, noise: float) -> dict[str, Any]:
    """The call's outcome and the layers afterwards."""
    outcome = call(image, image.get_layers(), noise=noise)
    convert(image, Gimp.ColorProfile.new_rgb_srgb())
    if image.get_precision() != Gimp.Precision.U8_NON_LINEAR:
        image.convert_precision(Gimp.Precision.U8_NON_LINEAR)
    layers = tree(image)
    image.delete()
    return {"outcome": outcome, "layers": layers}


def convert(image: Any, profile: Any) -> None:
    """Bring the image into a colour space."""
    image.convert_color_profile(profile, Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC, False)
