"""TIFF: 8, 16 and 32-bit float, with EXIF.

Pillow reads and writes the directories, imagecodecs the pixels: Pillow alone would cut 16-bit
colour to 8 bits, and leaves EXIF out.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from rheostat_client import xmp
from rheostat_client.errors import RheostatError

from . import directory
from .picture import Metadata, Picture, Values, check_size, depth_of, resolution, to_depth, white
from .pillow import decode

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_BYTES = 4 * 1000**3  # of pixels; offsets have 32 bits
_STRIP = 1024 * 1024  # bytes of pixels, about

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _XMP, _ICC = 284, 317, 338, 339, 700, 34675
_SUBFILE, _DNG = 254, 50706
_REDUCED = 1  # the first page is a small copy of another
_PLAIN = _WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_CONTIGUOUS, _SEPARATE = 1, 2
_DEFLATE, _DIFFERENCES, _UNSIGNED, _FLOAT = 8, 2, 1, 3


def read(data: bytes) -> Picture:
    """The first page."""
    tags, is_only = directory.load(data)
    if tags.get(_SUBFILE, 0) & _REDUCED or _DNG in tags or data[8:10] == b"CR":
        raise RheostatError(
            "bad-picture",
            "It is a camera's raw file; only the small preview in it could be read.",
            "Develop it to a TIFF first.",
        )
    check_size(tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0))
    described = directory.descriptive(data)
    warnings = [] if is_only else ["Of its pages only the first is used."]
    if described is None:
        warnings.append("Its notes are damaged, and left out.")
        described = {}
    if tags.get(_PHOTOMETRIC) in _PLAIN and min(_several(tags.get(_BITS, 1))) >= 8:
        pixels = _plain(data, tags)
    else:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            pixels = decode(image)
        described[directory.ORIENTATION] = 1  # Pillow turned the pixels
    packet, record = xmp.split(_bytes(tags.get(_XMP)))
    metadata = Metadata(
        icc=_bytes(tags.get(_ICC)),
        exif=directory.to_block(described) if described else None,
        xmp=packet,
        dpi=resolution(directory.to_dpi(described)),
        record=record,
    )
    return Picture(pixels, metadata, tuple(warnings))


def write(picture: Picture) -> bytes:
    """The file: one page, strips deflated without loss. Damaged EXIF is left out."""
    pixels, metadata = picture.pixels, picture.metadata
    is_float, channels = pixels.dtype.kind == "f", pixels.shape[2]
    strips, rows = _strips(pixels)
    sizes = [len(strip) for strip in strips]
    tags = Directory()
    tags.update(directory.from_dpi(metadata.dpi) if metadata.dpi else {})
    tags.update((metadata.exif and directory.descriptive(metadata.exif)) or {})
    for tag, value in (
        (_WIDTH, picture.width),
        (_HEIGHT, picture.height),
        (_SAMPLES, channels),
        (_BITS, (pixels.dtype.itemsize * 8,) * channels),
        (_SAMPLE_FORMAT, (_FLOAT if is_float else _UNSIGNED,) * channels),
        (_PHOTOMETRIC, _RGB if channels > 2 else _BLACK_IS_ZERO),
        (_EXTRA_SAMPLES, _STRAIGHT if picture.format.has_alpha else None),
        (_PLANAR, _CONTIGUOUS),
        (_COMPRESSION, _DEFLATE),
        (_PREDICTOR, None if is_float else _DIFFERENCES),
        (_ROWS_PER_STRIP, rows),
        (_STRIP_BYTES, tuple(sizes)),
        # The directory adds its own end to each.
        (_STRIP_OFFSETS, tuple(itertools.accumulate(sizes[:-1], initial=0))),
        (_ICC, metadata.icc),
        (_XMP, xmp.join(metadata.xmp, metadata.record)),
    ):
        if value is not None:
            tags[tag] = value
    file = io.BytesIO()
    tags.save(file)
    return b"".join((file.getvalue(), *strips))


def _plain(data: bytes, tags: Mapping[int, Any]) -> Values:
    """Grey or RGB of whole bytes, exactly as stored but for white-is-zero and premultiplied."""
    pixels: Values = imagecodecs.tiff_decode(data)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif tags.get(_PLANAR) == _SEPARATE:
        pixels = pixels.transpose(1, 2, 0)
    colours = 3 if tags[_PHOTOMETRIC] == _RGB else 1
    extra = _several(tags.get(_EXTRA_SAMPLES, (_STRAIGHT,) * (pixels.shape[2] - colours)))
    if extra not in ((), (_PREMULTIPLIED,), (_STRAIGHT,)):
        raise RheostatError(
            "bad-picture",
            f"It has {len(extra)} extra channels that are not transparency.",
            "Remove them, or save them to a file of their own.",
        )
    if pixels.dtype == np.float16:
        pixels = pixels.astype(np.float32)
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise RheostatError(
            "bad-picture",
            f"Its values are {pixels.dtype}; uint8, uint16, float16 and float32 are understood.",
            "Save it with 16 bits.",
        )
    if tags[_PHOTOMETRIC] == _WHITE_IS_ZERO:
        pixels = np.concatenate((white(pixels) - pixels[..., :1], pixels[..., 1:]), axis=2)
    return _straight(pixels) if extra == (_PREMULTIPLIED,) else pixels


def _straight(pixels: Values) -> Values:
    """Premultiplied colour divided by alpha; 0 where that is 0."""
    colour, alpha = pixels[..., :-1], pixels[..., -1:]
    unit = colour / np.where(alpha > 0, alpha, np.inf)
    return np.concatenate((to_depth(unit, depth_of(pixels)), alpha), axis=2)


def _strips(pixels: Values) -> tuple[list[bytes | bytearray], int]:
    """Compressed strips and the rows in each."""
    rows = max(1, _STRIP // max(1, pixels[0].nbytes))
    if pixels.dtype.kind == "u":
        pixels = np.diff(pixels, axis=1, prepend=np.zeros_like(pixels[:, :1]))
    starts = range(0, len(pixels), rows)
    return [imagecodecs.deflate_encode(pixels[y : y + rows].tobytes()) for y in starts], rows


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
