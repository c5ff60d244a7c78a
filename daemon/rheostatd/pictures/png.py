"""PNG: 8 and 16 bits, with chunks carried over byte for byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import imagecodecs
import numpy as np
from PIL import Image
from rheostat_client import xmp

from .picture import Metadata, Picture, Values, check_size, resolution
from .pillow import decode, more_frames

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = len(SIGNATURE) + 25  # the signature and the chunk IHDR, always first
_DEPTH = 24  # where IHDR says it
_KEPT = {b"tEXt", b"zTXt", b"iTXt", b"gAMA", b"cHRM", b"cICP", b"sRGB", b"pHYs"}
_XMP = b"XML:com.adobe.xmp"
_PLAIN_XMP = _XMP + bytes(5)  # end of keyword, not compressed, no language, no translation
_METRE = 0.0254  # metres in an inch


def read(data: bytes) -> Picture:
    """The picture; palettes, transparent colours and less than 8 bits are expanded."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        check_size(*image.size)
        pixels = _deep(data) if data[_DEPTH] == 16 else decode(image)
        info, notes = image.info, more_frames(image)
    chunks = tuple((kind, body) for kind, body in _chunks(data) if kind in _KEPT)
    # Pillow does not read what stands behind the pixels unless it decodes them.
    exif = next((body for kind, body in _chunks(data) if kind == b"eXIf"), b"")
    plain = (body[len(_PLAIN_XMP) :] for _, body in chunks if body.startswith(_PLAIN_XMP))
    packet, record = xmp.split(info.get("xmp") or next(plain, None))
    metadata = Metadata(
        icc=info.get("icc_profile"),
        exif=exif.removeprefix(b"Exif\0\0") or None,
        xmp=packet,
        dpi=resolution(info.get("dpi")),
        chunks=tuple(c for c in chunks if _keyword(c) != _XMP),
        record=record,
    )
    return Picture(pixels, metadata, notes)


def unique(metadata: Metadata) -> Iterator[str]:
    """Sentences about what of the notes no other format holds."""
    texts = sorted({_keyword(c).decode("latin-1") for c in metadata.chunks if _keyword(c)})
    if texts:
        yield f"Texts are for PNG alone, and left out: {', '.join(texts)}."
    kinds = {kind for kind, _ in metadata.chunks}
    better = bool(metadata.icc) or b"sRGB" in kinds  # than gamma and chromaticities
    colours = kinds & ({b"cICP"} if better else {b"cICP", b"gAMA", b"cHRM"})
    if colours:
        names = ", ".join(sorted(kind.decode() for kind in colours))
        yield f"What {names} says of the colours is for PNG alone; they may look different."


def write(picture: Picture) -> bytes:
    """The file; pixels of 8 or 16 bits."""
    pixels = picture.pixels[..., 0] if picture.pixels.shape[2] == 1 else picture.pixels
    size = pixels.nbytes + picture.height  # before compression, with a filter byte for each row
    room = size + size // 64 + 4096  # imagecodecs' own guess is too small for narrow noise
    file = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=6, out=room)
    chunks = [_chunk(kind, body) for kind, body in _described(picture.metadata)]
    return b"".join((file[:_HEADER], *chunks, file[_HEADER:]))


def _deep(data: bytes) -> Values:
    pixels = imagecodecs.png_decode(data)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _described(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    kinds = {kind for kind, _ in metadata.chunks}
    if metadata.icc:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)
    if metadata.dpi and b"pHYs" not in kinds:
        x, y = (round(dpi / _METRE) for dpi in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", x, y, 1)
    yield from (c for c in metadata.chunks if not (metadata.icc and c[0] == b"sRGB"))
    if metadata.exif:
        yield b"eXIf", metadata.exif
    packet = xmp.join(metadata.xmp, metadata.record)
    if packet:
        yield b"iTXt", _PLAIN_XMP + packet


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def _keyword(chunk: tuple[bytes, bytes]) -> bytes:
    kind, body = chunk
    return body.partition(b"\0")[0] if kind in (b"tEXt", b"zTXt", b"iTXt") else b""
