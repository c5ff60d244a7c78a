"""Picture: pixels as a file stores them, and what else of the file must survive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from rheostat_client.errors import RheostatError
from rheostat_client.messages import MAX_SIDE
from rheostat_client.pixels import FORMATS, PixelFormat

Values = npt.NDArray[Any]  # (height, width, channels) of uint8, uint16 or float32, little-endian

DEPTHS: dict[str, np.dtype[Any]] = {
    "8": np.dtype("u1"),
    "16": np.dtype("<u2"),
    "32f": np.dtype("<f4"),
}
MAX_PIXELS = 2**28  # a picture that claims more is not decoded
MAX_DPI = 2**16  # what JPEG can hold
_LAYOUTS = {1: "gray", 2: "graya", 3: "rgb", 4: "rgba"}


@dataclass(frozen=True)
class Metadata:
    """What a file says of its pixels, byte for byte as it was stored.

    icc      colour profile
    exif     EXIF block, a TIFF structure without the leading `Exif\\0\\0`; orientation is in it
    xmp      XMP packet, without the settings record
    dpi      pixels per inch, horizontally and vertically
    comment  the comment of a JPEG
    app13    segments of a JPEG in which Photoshop and others keep IPTC: captions, keywords
    steps    of a JPEG, by which its luma was divided: 64, row by row
    chunks   (type, data) of the chunks that only PNG has: texts, gamma, chromaticities
    record   settings record (rheostat_client.settings) of the filter that made the file
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    app13: tuple[bytes, ...] = ()
    steps: tuple[int, ...] | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    record: str | None = None


def resolution(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """What a file says are its pixels per inch; None for what makes no sense, such as infinity."""
    return dpi if dpi and all(0 < each < MAX_DPI for each in dpi) else None


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (height, width, channels) in the file's own encoding and as the file stores them.

    The rows are not turned: EXIF orientation stays a note for viewers, who turn input and output
    alike, and a mask or region drawn on one fits the other. Whole numbers span 0..max, floats 0..1
    with values outside kept; alpha, the last of two or four channels, is not premultiplied.
    `warnings` are sentences about what of the file could not be taken over.
    """

    pixels: Values
    metadata: Metadata = field(default_factory=Metadata)
    warnings: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def depth(self) -> str:
        """`8`, `16` or `32f`."""
        return depth_of(self.pixels)

    @property
    def format(self) -> PixelFormat:
        """How `tobytes` lays the pixels out."""
        return FORMATS[_LAYOUTS[self.pixels.shape[2]] + self.depth]

    @property
    def colour(self) -> Values:
        """The channels that are not alpha: 1 or 3."""
        return self.pixels[..., : self.pixels.shape[2] - self.format.has_alpha]

    @property
    def alpha(self) -> Values:
        """The alpha channel: 1 or 0 channels."""
        return self.pixels[..., self.colour.shape[2] :]

    def tobytes(self) -> bytes:
        """The pixels, row by row from the top."""
        return self.pixels.tobytes()

    def with_pixels(self, pixels: Values | bytes) -> Picture:
        """This picture with others of the same size and format."""
        if isinstance(pixels, bytes):
            pixels = np.frombuffer(pixels, self.pixels.dtype).reshape(self.pixels.shape)
        return replace(self, pixels=pixels)

    def repeated(self, scale: int) -> Picture:
        """`scale` times as large, every pixel repeated; metadata is kept."""
        if scale == 1:
            return self
        return replace(self, pixels=self.pixels.repeat(scale, axis=0).repeat(scale, axis=1))

    def painted(self) -> Picture:
        """As a map of λ: one channel of floats, the mean of the colours; transparent is black."""
        whole = self.with_depth("32f")
        grey = whole.colour.mean(axis=2, keepdims=True, dtype=np.float32)
        return Picture(grey * whole.alpha if whole.alpha.size else grey)

    def with_depth(self, depth: str) -> Picture:
        """This picture with `8` or `16` bits, rounded to nearest, or as `32f`."""
        return replace(self, pixels=to_depth(self.pixels, depth))


def depth_of(values: Values) -> str:
    """`8`, `16` or `32f`."""
    return next(name for name, dtype in DEPTHS.items() if dtype == values.dtype)


def white(values: Values) -> int:
    """The value of full light in pixels of this type: 255, 65535, or 1 for floats."""
    return int(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else 1


def to_depth(values: Values, depth: str) -> Values:
    """`values` scaled to another depth; whole numbers are rounded to nearest, limits kept."""
    result: Values = np.empty(values.shape, DEPTHS[depth])
    if result.dtype == values.dtype:
        return values
    if result.dtype.kind == "f":
        np.divide(values, white(values), out=result, casting="unsafe")
        return result
    # In double precision the product is exact enough to round as the real number would.
    scaled = np.multiply(values, white(result) / white(values), dtype=np.float64)
    np.rint(scaled.clip(0, white(result)), out=result, casting="unsafe")
    return result


def check_size(width: int, height: int) -> None:
    """Refuse, before anything is decoded, a size that no picture has or that memory may not hold.

    Raises RheostatError `bad-picture`.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise RheostatError(
            "bad-picture",
            f"It is {width}×{height} pixels; allowed are {MAX_SIDE} on a side and "
            f"{MAX_PIXELS // 2**20} × 2²⁰ in all.",
            "Cut it into parts.",
        )
