"""Estimation: what a control should be for a picture, as a job between the renders."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice

from rheostat.estimators import ESTIMATORS
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Estimate, Estimated
from torch import Tensor

from .jobs import Answer, Job
from .pool import Pool
from .raster import Box, Picture, hidden, unpack
from .regions import tiles
from .renderer import Renderer

GRID = 8  # pixels; corners of parts lie on multiples of it
SIDE = 256  # of a part, at most
PARTS = 16  # looked at, at most: a megapixel says as much as all of them


@dataclass(frozen=True, eq=False)
class Estimation(Job):
    """An estimate; somebody waits for it, as for a preview."""

    request: Estimate
    control: Control
    purpose = "estimate"
    rank = 0

    def answers(self, pool: Pool, renderer: Renderer) -> Generator[Answer, None, None]:
        """`Estimated`."""
        del pool, renderer
        estimator = ESTIMATORS[self.control.auto or ""]
        found = estimator(list(islice(parts(self.picture, self.region), PARTS)))
        low, high = self.control.hard
        value = self.control.rounded(min(high, max(low, found)))
        yield Answer(Estimated(self.id, self.control.id, value))


def parts(picture: Picture, region: Box) -> Iterator[Tensor]:
    """Parts (3, H, W) of `region`, in an order that spreads them; those with hidden pixels are not.

    Raises RheostatError `no-estimate` if there is none.
    """
    boxes = list(tiles(_inner(region), SIDE, GRID))
    random.Random(0).shuffle(boxes)
    is_any = False
    for box in boxes:
        values = picture.values(box)
        if not hidden(values, picture.format).any():
            is_any = True
            yield unpack(values, picture.format)
    if not is_any:
        raise RheostatError(
            "no-estimate", "Every part of the picture has transparent pixels.", "Set it by eye."
        )


def _inner(region: Box) -> Box:
    """`region` from the first corner of the grid in it on, if that leaves most of it."""
    right, down = -region.x % GRID, -region.y % GRID
    if region.width < 4 * GRID or region.height < 4 * GRID:
        return region
    return Box(region.x + right, region.y + down, region.width - right, region.height - down)
