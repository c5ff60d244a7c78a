"""Recipe: everything that decides a training, in one TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from rheostat_client.errors import RheostatError

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is trained, on what kind of samples, for how long."""

    architecture: str
    config: dict[str, Any]
    task: str
    steps: Positive
    batch: Positive
    patch: Positive
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1)]
    detailed: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.25
    seed: int = 1
    held_out: Positive = 8  # pictures kept for validation
    validate_every: Positive = 2000  # steps


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`; RheostatError `bad-recipe` naming the field that is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except (OSError, msgspec.DecodeError) as error:
        raise RheostatError(
            "bad-recipe", f"The recipe {path} cannot be read: {error}.", "Correct the file."
        ) from error
