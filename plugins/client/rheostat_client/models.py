"""ModelInfo: what a host needs to know of a model to build its dialog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .controls import Control
from .errors import RheostatError


@dataclass(frozen=True)
class ModelInfo:
    """A model as hosts see it: names, which weights, its controls in order.

    scale    sides of the result for one of the picture's
    presets  settings that come with the model: values by control id, by name
    """

    id: str
    name: str
    summary: str
    version: str
    digest: str
    controls: tuple[Control, ...]
    scale: int = 1
    presets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the wire and for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelInfo:
        """The model described by plain data, or RheostatError `bad-manifest`."""
        names = ("id", "name", "summary", "version", "digest")
        try:
            texts = {name: str(data[name]) for name in names}
            controls = tuple(Control.from_dict(c) for c in data["controls"])
            presets = {
                str(name): {str(id): float(value) for id, value in values.items()}
                for name, values in data.get("presets", {}).items()
            }
            scale = int(data.get("scale", 1))
            return cls(**texts, controls=controls, scale=scale, presets=presets)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RheostatError(
                "bad-manifest",
                f"Model {data.get('id', '?')!r} cannot be read: {error!r}.",
                "Correct the model's model.toml.",
            ) from error
