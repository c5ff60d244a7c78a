"""Canvas: a rectangle of pixels, put together from the tiles of a render."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

from .errors import unreadable
from .messages import Bytes
from .pixels import pixel_format


class Placed(Protocol):
    """A rectangle of pixels: a tile of the wire, or a piece of a preview."""

    @property
    def x(self) -> int:
        """Left column."""
        ...

    @property
    def y(self) -> int:
        """Top row."""
        ...

    @property
    def width(self) -> int:
        """Columns."""
        ...

    @property
    def height(self) -> int:
        """Rows."""
        ...

    @property
    def format(self) -> str:
        """Pixel format."""
        ...


class Canvas:
    """Receives tiles, in the result's coordinates, and gives out the region's pixels."""

    def __init__(self, region: tuple[int, int, int, int], form: str) -> None:
        """Cover `region` (x, y, width, height) in pixel format `form`, zero at first."""
        self.region = region
        self.format = form
        self._pixel = pixel_format(form).size(1, 1)
        self._missing = region[2] * region[3]
        # BytesIO hands the bytes it was filled with out without copying them.
        self._buffer = io.BytesIO(bytes(self._missing * self._pixel))

    @property
    def is_complete(self) -> bool:
        """Whether tiles of the region's whole area were pasted."""
        return self._missing == 0

    def paste(self, tile: Placed, frames: Sequence[Bytes]) -> None:
        """Copy a tile into place; RheostatError `bad-message` if it does not fit."""
        left, top, width, height = self.region
        x, y = tile.x - left, tile.y - top
        inside = x >= 0 and y >= 0 and x + tile.width <= width and y + tile.height <= height
        if not inside or min(tile.width, tile.height) < 1:
            raise unreadable(
                f"tile {tile.x},{tile.y} {tile.width}×{tile.height} is outside "
                f"{left},{top} {width}×{height}"
            )
        if tile.format != self.format:
            raise unreadable(f"tile format is {tile.format}, not {self.format}")
        data = memoryview(frames[0] if len(frames) == 1 else b"".join(frames)).cast("B")
        row = tile.width * self._pixel
        if len(data) != row * tile.height:
            raise unreadable(f"a tile has {len(data)} bytes instead of {row * tile.height}")
        stride = width * self._pixel
        start = y * stride + x * self._pixel
        with self._buffer.getbuffer() as target:
            for line in range(tile.height):
                here = start + line * stride
                target[here : here + row] = data[line * row : (line + 1) * row]
        self._missing -= tile.width * tile.height

    def pixels(self) -> bytes:
        """The region's pixels, row by row; zero where no tile came yet."""
        return self._buffer.getvalue()
