"""Regions: how a picture is cut into pieces of work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rheostat_client.messages import CHUNK

from .raster import Box, Picture, Values, hidden


def tiles(region: Box, size: int, multiple: int) -> Iterator[Box]:
    """Boxes of about equal size, at most `size` wide and high, that cover `region` once.

    Inner edges lie on multiples of `multiple`.
    """
    for column in columns(region, size, multiple):
        grid = region.grown(0, multiple)
        height = _side(grid.height, size, multiple)
        for y in range(grid.y, grid.bottom, height):
            yield Box(column.x, y, column.width, height).clipped(column)


def columns(region: Box, width: int, multiple: int) -> Iterator[Box]:
    """Boxes as high as `region`, of about equal width, at most `width`, that cover it once."""
    grid = region.grown(0, multiple)
    side = _side(grid.width, width, multiple)
    for x in range(grid.x, grid.right, side):
        yield Box(x, region.y, side, region.height).clipped(region)


def focussed(region: Box, focus: Box | None) -> Iterator[Box]:
    """`region` in at most five parts: what of it lies in `focus` first, then what is around."""
    if focus is None or not region.touches(focus):
        yield region
        return
    inner = focus.clipped(region)
    yield inner
    above = Box(region.x, region.y, region.width, inner.y - region.y)
    below = Box(region.x, inner.bottom, region.width, region.bottom - inner.bottom)
    left = Box(region.x, inner.y, inner.x - region.x, inner.height)
    right = Box(inner.right, inner.y, region.right - inner.right, inner.height)
    yield from (box for box in (left, right, above, below) if box.width and box.height)


def visible(picture: Picture, region: Box, gap: int) -> Iterator[tuple[Box, bool]]:
    """Bands of `region` from top to bottom, with whether anything in them is visible.

    Hidden bands of less than `gap` rows are not told apart.
    """
    if not picture.format.has_alpha:
        yield region, True
        return
    bands: list[tuple[int, int]] = []
    for row in _visible_rows(picture, region):
        if bands and row - bands[-1][1] < gap:
            bands[-1] = (bands[-1][0], row + 1)
        else:
            bands.append((row, row + 1))
    start = 0
    for first, last in bands:
        if first > start:
            yield Box(region.x, region.y + start, region.width, first - start), False
        yield Box(region.x, region.y + first, region.width, last - first), True
        start = last
    if start < region.height:
        yield Box(region.x, region.y + start, region.width, region.height - start), False


def _visible_rows(picture: Picture, region: Box) -> Iterator[int]:
    for box, values in unchanged(picture, region):  # strip by strip: a picture can be large
        rows = np.flatnonzero(~hidden(values, picture.format).all(axis=1))
        yield from (rows + box.y - region.y).tolist()


def unchanged(picture: Picture, region: Box) -> Iterator[tuple[Box, Values]]:
    """The input itself, bit for bit, in bands."""
    yield from bands(region, picture.values(region))


def bands(box: Box, values: Values) -> Iterator[tuple[Box, Values]]:
    """A piece from top to bottom, in parts that fit a frame: at most `CHUNK` bytes.

    A row of the widest picture has less.
    """
    rows = CHUNK // values[0].nbytes
    for y in range(box.y, box.bottom, rows):
        band = Box(box.x, y, box.width, rows).clipped(box)
        yield band, values[band.within(box)]


def _side(length: int, size: int, multiple: int) -> int:
    """Of the fewest equal parts of `length` that fit `size`, the length of one."""
    limit = max(multiple, size - size % multiple)
    parts = -(-length // limit)
    part = -(-length // parts)
    return part + -part % multiple
