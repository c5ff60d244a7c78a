"""Scores: what an evaluation gathers, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

TRAVEL = tuple(i / 10 for i in range(11))  # slider positions of a sweep

Render = Callable[[Tensor, Sequence[float]], Tensor]  # (picture (1, 3, H, W), λ) -> result


@dataclass
class Scores:
    """Means over pictures, gathered one picture at a time, by (sweep, position, measure)."""

    sums: dict[tuple[str, float, str], float] = field(default_factory=dict)
    pictures: int = 0

    def add(self, sweep: str, position: float, **measures: Tensor | float) -> None:
        """Add one picture's measures."""
        for name, value in measures.items():
            key = (sweep, position, name)
            self.sums[key] = self.sums.get(key, 0.0) + float(value)

    def means(self) -> dict[str, dict[str, list[float]]]:
        """{sweep: {"position": [...], measure: [...]}}, rounded to five digits."""
        table: dict[str, dict[str, list[float]]] = {}
        for (sweep, position, name), total in self.sums.items():
            columns = table.setdefault(sweep, {"position": []})
            if position not in columns["position"]:
                columns["position"].append(position)
            columns.setdefault(name, []).append(round(total / self.pictures, 5))
        return table
