"""Answer: what was wanted of a filter and what came of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from rheostat_client.connection import Rendered


class Answer(NamedTuple):
    """Slider positions by control id, maps by control id, and a result for each source."""

    values: dict[str, float]
    maps: dict[str, Any]
    results: list[Rendered]
