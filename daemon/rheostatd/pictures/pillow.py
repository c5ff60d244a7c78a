"""JPEG and WebP, and every 8-bit layout, by way of Pillow."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, WebPImagePlugin
from rheostat_client import xmp
from rheostat_client.errors import RheostatError

from .picture import Metadata, Picture, Values, check_size, resolution

Image.MAX_IMAGE_PIXELS = None  # ours is another limit, and `check_size` holds it before decoding

_FORMATS = ("JPEG", WebPImagePlugin.WebPImageFile.format)
_EXPANDED = {"1": "L", "P": "RGB", "PA": "RGBA"}
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}


def read(data: bytes) -> Picture:
    """A JPEG or a WebP."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        pixels, notes = decode(image), more_frames(image)
        info = image.info
        steps = getattr(image, "quantization", {}).get(0)
        segments = getattr(image, "applist", ())
    packet, record = xmp.split(info.get("xmp"))
    metadata = Metadata(
        icc=info.get("icc_profile"),
        exif=info.get("exif", b"").removeprefix(b"Exif\0\0") or None,
        xmp=packet,
        dpi=resolution(info.get("dpi")),
        comment=info.get("comment"),
        app13=tuple(body for name, body in segments if name == "APP13"),
        steps=steps and tuple(steps),
        record=record,
    )
    return Picture(pixels, metadata, notes)


def quality(steps: Sequence[int]) -> int:
    """Quality 1–100 for which libjpeg's own steps of luma are nearest to `steps`."""

    def distance(number: int) -> float:
        pairs = zip(steps, _steps(number), strict=True)
        return sum(abs(math.log(max(1, ours) / theirs)) for ours, theirs in pairs)

    return min(range(1, 101), key=distance)


@cache
def _steps(number: int) -> tuple[int, ...]:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=number)
    with Image.open(file, formats=("JPEG",)) as image:
        return tuple(image.quantization[0])  # type: ignore[attr-defined]


def decode(image: Image.Image) -> Values:
    """8-bit pixels of an opened image; palette, bits and transparent colours are expanded."""
    check_size(*image.size)
    mode = _EXPANDED.get(image.mode, image.mode)
    if image.has_transparency_data:
        mode = _WITH_ALPHA.get(mode, mode)
    if mode not in ("L", "LA", "RGB", "RGBA"):
        raise RheostatError(
            "bad-picture",
            f"Its pixels are {image.mode}; grey and RGB are understood.",
            "Convert it to RGB first.",
        )
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def more_frames(image: Image.Image) -> tuple[str, ...]:
    """A warning if there are more pictures in the file than the first.

    Not for the JPEGs of telephones, which hide previews and depth behind the picture.
    """
    count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    return (f"Of its {count} pictures only the first is used.",) if count > 1 else ()


def write_jpeg(picture: Picture) -> bytes:
    """The file at quality 95, without colour subsampling; 8-bit grey or RGB, alpha left out."""
    metadata = picture.metadata
    app13 = (b"\xff\xed" + struct.pack(">H", len(body) + 2) + body for body in metadata.app13)
    own = {"dpi": metadata.dpi, "comment": metadata.comment, "extra": b"".join(app13)}
    return _save("JPEG", picture.colour, metadata, quality=95, subsampling="4:4:4", **own)


def write_webp(picture: Picture) -> bytes:
    """The file without loss; 8 bits."""
    return _save("WEBP", picture.pixels, picture.metadata, lossless=True, exact=True)


def _save(form: str, pixels: Values, metadata: Metadata, **options: Any) -> bytes:
    options |= {
        "icc_profile": metadata.icc,
        "exif": metadata.exif and b"Exif\0\0" + metadata.exif,
        "xmp": xmp.join(metadata.xmp, metadata.record),
    }
    file = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(file, form, **{name: value for name, value in options.items() if value is not None})
    return file.getvalue()
