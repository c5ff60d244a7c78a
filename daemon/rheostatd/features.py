"""Features: what the trunk makes of a picture, strip by strip, kept for the next slider move."""

from __future__ import annotations

from collections.abc import Hashable

from rheostat.streaming import Run
from torch import Tensor

from .cache import Cache


class FeaturesLostError(Exception):
    """Another job that shares the features failed in the middle of a step."""


class Features:
    """The trunk's rows strip by strip: those kept from before, then those it gives now.

    A job that is overtaken leaves its part to the next one. The trunk goes on where it stopped, so
    none of its rows may be missing: they are kept from the first one on, or not at all.
    """

    def __init__(self, trunk: Run, strips: int, cache: Cache[Features], key: Hashable) -> None:
        """Of `trunk`, which has taken nothing yet; in `cache` under `key`, if that is not None."""
        self._trunk: Run | None = trunk
        self._strips, self._cache, self._key = strips, cache, key
        self._given: list[Tensor | None] = []
        self._bytes = 0

    @property
    def is_usable(self) -> bool:
        """Whether all strips are here or can still come."""
        return self._trunk is not None or len(self._given) == self._strips

    def take(self, number: int, x: Tensor) -> Tensor | None:
        """The rows that the trunk gives when it takes `x`, its strip `number`.

        FeaturesLostError if they neither are here nor can still come.
        """
        if number < len(self._given):
            return self._given[number]
        trunk, self._trunk = self._trunk, None  # which it stays if the step fails half-way
        if trunk is None:
            raise FeaturesLostError
        rows = trunk.push(x)
        self._keep(rows, trunk.height)
        if len(self._given) < self._strips:
            self._trunk = trunk
        return rows

    def _keep(self, rows: Tensor | None, height: int) -> None:
        """Keep `rows` if there is room for all `height` of them, which the first ones tell."""
        if self._key is None:
            return
        if rows is not None:
            if rows.nbytes // rows.shape[2] * height > self._cache.budget:
                self._key = None
                return
            self._bytes += rows.nbytes
            self._cache.put(self._key, self, self._bytes)
        self._given.append(rows)
