"""Comparing: the source beside its preview, and two settings of the same controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Values = dict[str, float]


@dataclass(frozen=True)
class Split:
    """How much of a preview is held back so that the source shows: all left of a divider.

    divider  share of the width, 0..1, from the left
    is_held  whether the whole source shows as long as somebody holds a key
    """

    is_on: bool = False
    divider: float = 0.5
    is_held: bool = False

    def columns(self, width: int) -> int:
        """The columns from the left, of `width`, in which the source shows."""
        if self.is_held:
            return width
        return round(min(1.0, max(0.0, self.divider)) * width) if self.is_on else 0


class Variants:
    """Settings A and B, between which an artist goes back and forth. B begins as a copy of A."""

    def __init__(self) -> None:
        """A is chosen."""
        self.chosen = "A"
        self._kept: dict[str, Values] = {}

    def choose(self, name: str, now: Mapping[str, float]) -> Values:
        """Keep `now` as what was chosen so far, and give the values of the other one."""
        self._kept[self.chosen] = dict(now)
        self.chosen = name
        return dict(self._kept.get(name, now))
