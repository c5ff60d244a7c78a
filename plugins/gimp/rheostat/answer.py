"""Answer: what was wanted of a filter and what came of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from places import Place
from rheostat_client.connection import Rendered


class Answer(NamedTuple):
    """Slider positions and maps by control id, where the results go, and one for each place."""

    values: dict[str, float]
    maps: dict[str, Any]
    output: str
    places: list[Place]
    results: list[Rendered]

    @property
    def items(self) -> list[Any]:
        """Everything of the image that it needs."""
        used = [layer for place in self.places for layer in (place.layer, place.masked_like)]
        return [*used, *self.maps.values()]
