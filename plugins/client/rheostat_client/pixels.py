"""Pixel formats: how raw bytes on the wire are to be read.

Every format is interleaved, row by row from the top, without padding, little-endian, sRGB-encoded,
alpha not premultiplied. u8 and u16 span 0..max, f32 is 0..1 with values outside kept.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import Any

from .errors import RheostatError, nearest


@dataclass(frozen=True)
class PixelFormat:
    """A named memory layout: `channels` values of `bytes_per_channel` bytes for each pixel."""

    name: str
    channels: int
    bytes_per_channel: int

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels in (2, 4)

    def size(self, width: int, height: int) -> int:
        """Bytes of a width × height picture."""
        return width * height * self.channels * self.bytes_per_channel


FORMATS = {
    layout + depth: PixelFormat(layout + depth, channels, size)
    for layout, channels in (("gray", 1), ("graya", 2), ("rgb", 3), ("rgba", 4))
    for depth, size in (("8", 1), ("16", 2), ("32f", 4))
}


# Bytes per channel -> code of the array module, and the value that is opaque.
_VALUES: dict[int, tuple[str, Any]] = {1: ("B", 255), 2: ("H", 65535), 4: ("f", 1.0)}


def pixel_format(name: str) -> PixelFormat:
    """The format called `name`, or RheostatError `bad-format`."""
    try:
        return FORMATS[name]
    except KeyError:
        raise RheostatError(
            "bad-format", f"There is no pixel format {name!r}.", nearest(name, FORMATS)
        ) from None


def opaque(form: str, pixels: bytes) -> tuple[str, bytes]:
    """The same picture with an alpha channel: its format and pixels, opaque if it had none."""
    given = pixel_format(form)
    if given.has_alpha:
        return form, pixels
    code, full = _VALUES[given.bytes_per_channel]
    values = array(code, pixels)
    count, channels = len(values) // given.channels, given.channels + 1
    both = array(code, [full]) * (count * channels)
    for channel in range(given.channels):
        both[channel::channels] = values[channel :: given.channels]
    layout = form.rstrip("0123456789f")
    return f"{layout}a{form[len(layout) :]}", both.tobytes()


def hasher(form: str, width: int, height: int) -> hashlib.blake2b:
    """A running content hash: `update` it with the pixels in order, then take `hexdigest`."""
    return hashlib.blake2b(f"{form} {width} {height}\n".encode(), digest_size=16)


def content_hash(data: bytes | bytearray | memoryview, form: str, width: int, height: int) -> str:
    """Address of a picture: BLAKE2b-128 over its shape and its pixels, hex."""
    running = hasher(form, width, height)
    running.update(data)
    return running.hexdigest()
