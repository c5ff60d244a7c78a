"""TIFF: 8, 16 and 32-bit float, with EXIF.

Pillow reads and writes the directories, imagecodecs the pixels: Pillow alone would cut 16-bit
colour to 8 bits, and leaves EXIF out.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from rheostat_client.errors import RheostatError

from . import record
from .picture import Metadata, Picture, Values, check_size, depth_of, to_depth, white
from .pillow import decode

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_BYTES = 4 * 1000**3  # of pixels; offsets have 32 bits
_STRIP = 1024 * 1024  # bytes of pixels, about

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT, PREDICTOR = 282, 283, 284, 296, 317
EXTRA_SAMPLES, SAMPLE_FORMAT, XMP, EXIF, ICC, GPS = 338, 339, 700, 34665, 34675, 34853
_INTEROP = 40965
# What describes the picture and not the way its pixels are stored; EXIF and GPS are directories.
_DESCRIPTIVE = {269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 33723, EXIF, GPS} | {
    ORIENTATION,
    X_RESOLUTION,
    Y_RESOLUTION,
    RESOLUTION_UNIT,
}
_PLAIN = _WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_INCH, _CENTIMETRE = 2, 3
_INCHES = {_INCH: 1.0, _CENTIMETRE: 1 / 2.54}
_DEFLATE, _DIFFERENCES = 8, 2


def read(data: bytes) -> Picture:
    """The first page."""
    tags, is_last = _directory(data)
    check_size(tags.get(WIDTH, 0), tags.get(HEIGHT, 0))
    described = {tag: tags[tag] for tag in _DESCRIPTIVE & tags.keys()}
    if tags.get(PHOTOMETRIC) in _PLAIN and min(_several(tags.get(BITS, 1))) >= 8:
        pixels = _plain(data, tags)
    else:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            image.load()
            pixels = decode(image)
        described[ORIENTATION] = 1  # Pillow turned the pixels
    xmp, settings = record.split(_bytes(tags.get(XMP)))
    metadata = Metadata(
        icc=_bytes(tags.get(ICC)),
        exif=_exif(described),
        xmp=xmp,
        dpi=_dpi(tags),
        record=settings,
    )
    notes = () if is_last else ("Of its pages only the first is used.",)
    return Picture(pixels, metadata, notes)


def write(picture: Picture) -> bytes:
    """The file: one page, strips deflated without loss."""
    pixels, metadata = picture.pixels, picture.metadata
    depth = pixels.dtype.itemsize * 8
    tags = _tags(metadata)
    strips, rows = _strips(pixels)
    sizes = [len(strip) for strip in strips]
    tags[WIDTH], tags[HEIGHT], tags[SAMPLES] = picture.width, picture.height, pixels.shape[2]
    tags[BITS] = (depth,) * pixels.shape[2]
    tags[SAMPLE_FORMAT] = (3 if pixels.dtype.kind == "f" else 1,) * pixels.shape[2]
    tags[PHOTOMETRIC] = _RGB if picture.colour.shape[2] == 3 else _BLACK_IS_ZERO
    tags[PLANAR], tags[COMPRESSION], tags[ROWS_PER_STRIP] = 1, _DEFLATE, rows
    if pixels.dtype.kind == "u":
        tags[PREDICTOR] = _DIFFERENCES
    if picture.format.has_alpha:
        tags[EXTRA_SAMPLES] = _STRAIGHT
    tags[STRIP_BYTES] = tuple(sizes)
    # The directory adds its own end to each.
    tags[STRIP_OFFSETS] = tuple(int(start) for start in np.cumsum([0, *sizes[:-1]]))
    file = io.BytesIO()
    tags.save(file)
    return b"".join((file.getvalue(), *strips))


def _plain(data: bytes, tags: Mapping[int, Any]) -> Values:
    """Grey or RGB of whole bytes, exactly as stored but for white-is-zero and premultiplied."""
    pixels: Values = imagecodecs.tiff_decode(data)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif tags.get(PLANAR) == 2:
        pixels = pixels.transpose(1, 2, 0)
    colours = 3 if tags[PHOTOMETRIC] == _RGB else 1
    extra = _several(tags.get(EXTRA_SAMPLES, (_STRAIGHT,) * (pixels.shape[2] - colours)))
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
    if tags[PHOTOMETRIC] == _WHITE_IS_ZERO:
        pixels = np.concatenate((white(pixels) - pixels[..., :1], pixels[..., 1:]), axis=2)
    return _straight(pixels) if extra == (_PREMULTIPLIED,) else pixels


def _straight(pixels: Values) -> Values:
    """Premultiplied colour divided by alpha; 0 where that is 0."""
    colour, alpha = pixels[..., :-1], pixels[..., -1:]
    unit = colour / np.where(alpha > 0, alpha, np.inf)
    return np.concatenate((to_depth(unit, depth_of(pixels)), alpha), axis=2)


def _strips(pixels: Values) -> tuple[list[bytes], int]:
    """Compressed strips and the rows in each."""
    rows = max(1, _STRIP // max(1, pixels[0].nbytes))
    if pixels.dtype.kind == "u":
        pixels = np.diff(pixels, axis=1, prepend=np.zeros_like(pixels[:, :1]))
    starts = range(0, len(pixels), rows)
    return [zlib.compress(pixels[y : y + rows].tobytes()) for y in starts], rows


def _directory(data: bytes) -> tuple[dict[int, Any], bool]:
    """The tags of the first page, those of EXIF and GPS within, and whether it is the only one."""
    header = data[: 16 if 43 in data[2:4] else 8]  # 43: BigTIFF
    first = Directory(header)

    def load(directory: Directory, offset: int) -> dict[int, Any]:
        file = io.BytesIO(data)
        file.seek(offset)
        directory.load(file)
        return {tag: _single(value) for tag, value in directory.items()}

    tags = load(first, first.next)
    for tag in {EXIF, GPS} & tags.keys():
        tags[tag] = load(Directory(header, group=tag), tags[tag])
        tags[tag].pop(_INTEROP, None)  # an offset into the old file
    return tags, first.next == 0


def _exif(described: Mapping[int, Any]) -> bytes | None:
    """The EXIF block that a JPEG would carry."""
    exif = Image.Exif()
    for tag, value in described.items():
        exif[tag] = value
    return exif.tobytes().removeprefix(b"Exif\0\0") if described else None


def _dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    inches = _INCHES.get(tags.get(RESOLUTION_UNIT, _INCH))
    if inches is None or not {X_RESOLUTION, Y_RESOLUTION} <= tags.keys():
        return None
    return float(tags[X_RESOLUTION]) / inches, float(tags[Y_RESOLUTION]) / inches


def _tags(metadata: Metadata) -> Directory:
    """A directory with what the metadata say."""
    tags = Directory()
    if metadata.dpi:
        tags[X_RESOLUTION], tags[Y_RESOLUTION] = metadata.dpi
        tags[RESOLUTION_UNIT] = _INCH
    if metadata.exif:
        described, _ = _directory(metadata.exif)
        for tag in _DESCRIPTIVE & described.keys():
            tags[tag] = described[tag]
    xmp = record.join(metadata.xmp, metadata.record)
    for tag, value in ((ICC, metadata.icc), (XMP, xmp)):
        if value:
            tags[tag] = value
    return tags


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value
