"""Raster: raw pixel bytes as arrays, and as what a network sees and gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from rheostat_client.pixels import PixelFormat
from torch import Tensor

Values = npt.NDArray[Any]  # (height, width, channels) of uint8, uint16 or float32

_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 2: np.dtype("<u2"), 4: np.dtype("<f4")}


class Box(NamedTuple):
    """A rectangle of pixels; `right` and `bottom` are just outside it."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels in the box."""
        return self.width * self.height

    def contains(self, other: Box) -> bool:
        """Whether `other` lies inside."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def touches(self, other: Box) -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )

    def clipped(self, to: Box) -> Box:
        """The part of the box inside `to`, which it must touch."""
        x, y = max(self.x, to.x), max(self.y, to.y)
        return Box(x, y, min(self.right, to.right) - x, min(self.bottom, to.bottom) - y)

    def grown(self, by: int, multiple: int) -> Box:
        """The box with `by` more pixels on each side, then outwards to multiples of `multiple`."""
        x, y = _down(self.x - by, multiple), _down(self.y - by, multiple)
        right, bottom = -_down(-self.right - by, multiple), -_down(-self.bottom - by, multiple)
        return Box(x, y, right - x, bottom - y)

    def times(self, scale: int) -> Box:
        """Where the box lies in a result `scale` times as large."""
        return Box(*(scale * number for number in self))

    def part(self, scale: int) -> Box:
        """The box of which this one is `times` the scale."""
        return Box(*(number // scale for number in self))

    def within(self, outer: Box) -> tuple[slice, slice]:
        """Rows and columns of this box in an array that holds `outer`."""
        x, y = self.x - outer.x, self.y - outer.y
        return slice(y, y + self.height), slice(x, x + self.width)


@dataclass(frozen=True, eq=False)
class Picture:
    """A whole picture as the wire brought it: `format.size(width, height)` bytes."""

    format: PixelFormat
    width: int
    height: int
    data: bytes | bytearray | memoryview

    @property
    def box(self) -> Box:
        """All of it."""
        return Box(0, 0, self.width, self.height)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value, little-endian."""
        return _DTYPES[self.format.bytes_per_channel]

    def values(self, box: Box) -> Values:
        """The pixels in `box`: a read-only view (height, width, channels)."""
        shape = (self.height, self.width, self.format.channels)
        view = np.frombuffer(self.data, self.dtype).reshape(shape)[box.within(self.box)]
        view.flags.writeable = False
        return view


def hidden(values: Values, form: PixelFormat) -> npt.NDArray[np.bool_]:
    """Where (height, width) the colour says nothing: fully transparent, or not a number."""
    nothing = np.zeros(values.shape[:2], bool)
    if form.has_alpha:
        nothing |= ~(values[..., -1] > 0)
    if values.dtype.kind == "f":
        nothing |= ~np.isfinite(values[..., : _colours(form)]).all(-1)
    return nothing


def unpack(values: Values, form: PixelFormat) -> Tensor:
    """Colour as float32 (3, height, width), 0..1, alpha left out, grey repeated."""
    colour = values[..., : _colours(form)].astype(np.float32)
    if values.dtype.kind == "u":
        colour /= np.iinfo(values.dtype).max
    return torch.from_numpy(colour).permute(2, 0, 1).expand(3, -1, -1)


def pack(colour: Tensor, values: Values, form: PixelFormat) -> Values:
    """`values` with its colour replaced by `colour` (3, height, width) where it is not hidden.

    Whole numbers are rounded to nearest and kept in range, floats are kept as they are; grey is
    the mean of the three; alpha is untouched.
    """
    count = _colours(form)
    result = colour.mean(0, keepdim=True) if count == 1 else colour
    new = result.permute(1, 2, 0).numpy()
    if values.dtype.kind == "u":
        top = np.iinfo(values.dtype).max
        # In double precision the product is exact enough to round as the real number would.
        new = np.rint(np.multiply(new, top, dtype=np.float64)).clip(0, top)
    out = values.copy()
    visible = ~hidden(values, form)[..., None]
    np.copyto(out[..., :count], new, casting="unsafe", where=visible)
    return out


def enlarged(picture: Picture, box: Box, scale: int) -> Values:
    """The pixels in `box`, each repeated `scale` × `scale` times; alpha linearly interpolated."""
    if scale == 1:
        return picture.values(box)
    values = picture.values(box).repeat(scale, axis=0).repeat(scale, axis=1)
    if picture.format.has_alpha:
        wide = box.grown(1, 1).clipped(picture.box)
        alpha = torch.from_numpy(picture.values(wide)[..., -1].astype(np.float32))[None, None]
        smooth = F.interpolate(alpha, scale_factor=scale, mode="bilinear")[0, 0].numpy()
        smooth = smooth[box.times(scale).within(wide.times(scale))]
        values[..., -1] = smooth if values.dtype.kind == "f" else np.rint(smooth)
    return values


def fill(colour: Tensor, nothing: Tensor, steps: int) -> Tensor:
    """`colour` (3, H, W) with the `nothing` (H, W) pixels filled from their nearest neighbours.

    Filled ring by ring, each pixel with the mean of its known neighbours; pixels farther than
    `steps` from any known one become 0.
    """
    known = (~nothing)[None].to(colour)
    # A product with 0 would keep a NaN.
    colour = torch.where(nothing, torch.zeros((), dtype=colour.dtype), colour)
    for _ in range(steps):
        count = _neighbours(known)
        ring = (known == 0) & (count > 0)
        if not ring.any():
            break
        colour = torch.where(ring, _neighbours(colour) / count.clamp(min=1), colour)
        known = known.masked_fill(ring, 1)
    return colour


def pad(x: Tensor, multiple: int) -> Tensor:
    """`x` (N, C, H, W) with its last row and column repeated up to multiples of `multiple`."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def _colours(form: PixelFormat) -> int:
    return form.channels - form.has_alpha


def _neighbours(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, divisor_override=1)


def _down(value: int, multiple: int) -> int:
    return value - value % multiple
