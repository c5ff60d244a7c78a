"""Recipe: everything that decides a training, in one TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from rheostat_client.errors import RheostatError

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of training with a fresh optimizer and a learning rate that rises and falls once.

    `only` names coordinates of the kernels, by number, whose slopes alone are trained: where they
    are 0 the network stays bit for bit what the stage before made it (the two phases of
    Dynamic-Net, Shoshan et al. 2019). What the coordinates are the network's class says.
    `detailed` is the share of samples whose λ is drawn beyond what the task calls plain: without
    detail, or one painting alone.
    """

    steps: Positive
    batch: Positive
    patch: Positive  # pixels on a side
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1)]
    detailed: Annotated[float, msgspec.Meta(ge=0, le=1)]
    only: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is trained, on what kind of samples, for how long."""

    architecture: str
    config: dict[str, Any]
    task: str
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1)]
    optimizer: Literal["adam", "muon"] = "adam"
    seed: int = 1
    held_out: Positive = 8  # pictures kept for validation
    validate_every: Positive = 2000  # steps

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[Stage, int]:
        """The stage that `step` (from 0) belongs to, and the step's number in it."""
        for stage in self.stages:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        return self.stages[-1], self.stages[-1].steps


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`; RheostatError `bad-recipe` naming the field that is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except (OSError, msgspec.DecodeError) as error:
        raise RheostatError(
            "bad-recipe", f"The recipe {path} cannot be read: {error}.", "Correct the file."
        ) from error
