"""Cache: what was computed once and may be wanted again, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """Values by key; the least recently used make room. For one thread; `report` for any."""

    def __init__(self, budget: int) -> None:
        """Hold at most `budget` bytes."""
        self.budget = budget
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
        while self.held > self.budget:
            oldest = next(iter(self._values))
            self.held -= self._values.pop(oldest)[1]

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
