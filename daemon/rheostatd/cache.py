"""Cache: what was computed once and may be wanted again, within a budget of bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values by key; the least recently used make room. For one thread; `report` for any."""

    def __init__(self, budget: int, most: int = sys.maxsize) -> None:
        """Hold at most `budget` bytes, in at most so many values."""
        self.budget = budget
        self._most = most
        self.held = 0
        self.hits = 0
        self.misses = 0
        self._values: dict[Hashable, tuple[V, int]] = {}  # least recently used first

    def get(self, key: Hashable) -> V | None:
        """The value, if it is here."""
        entry = self._values.pop(key, None)
        if entry is None:
            self.misses += 1
            return None
        self._values[key] = entry
        self.hits += 1
        return entry[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep `value`, which takes `size` bytes; one that alone is over the budget is not kept."""
        if size > self.budget:
            return
        old = self._values.pop(key, None)
        self.held += size - (old[1] if old else 0)
        self._values[key] = (value, size)
        while self.held > self.budget or len(self._values) > self._most:
            self._remove(next(iter(self._values)))

    def drop(self, is_unwanted: Callable[[V], bool]) -> None:
        """Forget the values of which that is true."""
        for key in [key for key, (value, _) in self._values.items() if is_unwanted(value)]:
            self._remove(key)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.held = 0

    def report(self) -> dict[str, int]:
        """For `status`: bytes, budget, hits and misses."""
        return {
            "bytes": self.held,
            "budget": self.budget,
            "hits": self.hits,
            "misses": self.misses,
        }

    def _remove(self, key: Hashable) -> None:
        self.held -= self._values.pop(key)[1]
