"""Runs: one network trained and measured; finished ones are kept and not done again."""

from __future__ import annotations

import fcntl
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import torch
from rheostat import STRATEGIES, bake, convert
from rheostat.data import Crops
from rheostat.strategies.blocks import Mix
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .task import Backbone, Name, Recipe, Task

Positions = Callable[[float], nn.Module]  # λ -> the plain network there

SPECIALIST = "specialist"
BLEND = "blend"  # made of the two ends' specialists
FIRST_PHASE = 0.5  # share of the steps that two-phase strategies give their base


class Result(msgspec.Struct, frozen=True):
    """What a run gave: measures by position."""

    task: str
    strategy: str
    at: float | None  # of a specialist
    curve: dict[str, list[float]]
    seconds: float
    steps: int


@dataclass(frozen=True)
class Run:
    """A strategy, or a specialist `at` one λ, on a task."""

    task: Name
    strategy: str
    at: float | None = None

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.task}-{self.strategy}" + ("" if self.at is None else f"-{self.at:g}")


def all_runs(recipe: Recipe) -> list[Run]:
    """Every run of the comparison; specialists first, the blend of two of them last."""
    runs = []
    for task, own in (("noise", recipe.noise), ("perception", recipe.perception)):
        runs += [Run(task, SPECIALIST, at) for at in own.specialists]  # type: ignore[arg-type]
        runs += [Run(task, name) for name in STRATEGIES]  # type: ignore[arg-type]
    return runs


def claim(store: Path, runs: list[Run]) -> Iterator[Run]:
    """Runs that are neither done nor being done by a process; several may share `store`."""
    store.mkdir(parents=True, exist_ok=True)
    for run in runs:
        with (store / f"{run.name}.claim").open("w") as mark:
            if _lock(mark) and not (store / f"{run.name}.json").exists():
                yield run


def perform(run: Run, task: Task, crops: Crops, store: Path) -> None:
    """Train and measure `run`, and keep what came of it in `store`."""
    start = time.monotonic()
    if run.strategy == BLEND:
        at = _blend(task, store)
    elif run.at is not None:
        at = _specialist(run, task, crops, store)
    else:
        at = _tunable(run, task, crops)
    curve: dict[str, list[float]] = {"position": list(task.own.positions)}
    for position in task.own.positions:
        for name, value in task.measure(at(position).eval(), position).items():
            curve.setdefault(name, []).append(round(value, 5))
    seconds, steps = time.monotonic() - start, task.own.steps
    result = Result(run.task, run.strategy, run.at, curve, seconds, steps)
    (store / f"{run.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(result)))


def backbone(task: Task) -> Backbone:
    """The same random network for every run."""
    torch.manual_seed(task.recipe.seed)
    return Backbone(task.recipe.width, task.recipe.blocks).to(task.device)


def _specialist(run: Run, task: Task, crops: Crops, store: Path) -> Positions:
    network = backbone(task)
    lam = torch.full((task.recipe.batch, 1), run.at or 0.0)
    trainer = _Trainer(task, crops)
    trainer.train(lambda x, _: network(x), network.parameters(), task.own.steps, lambda _: lam)
    save_file(network.state_dict(), store / f"{run.name}.safetensors")
    return lambda _: network


def _blend(task: Task, store: Path) -> Positions:
    ends = []
    for at in (0.0, 1.0):
        network = backbone(task)
        name = Run(task.name, SPECIALIST, at).name
        network.load_state_dict(load_file(store / f"{name}.safetensors"))
        ends.append(network)
    first, second = ends
    return lambda position: Mix(first, second, position)


def _tunable(run: Run, task: Task, crops: Crops) -> Positions:
    strategy, trainer, steps = STRATEGIES[run.strategy], _Trainer(task, crops), task.own.steps
    network = backbone(task)
    include = ["body.?"] if strategy.site == "blocks" else []
    if strategy.training == "joint":
        tunable = convert(network, 1, strategy=run.strategy, include=include)
        trainer.train(tunable, tunable.parameters(), steps, task.draw_lam)
    else:
        first = round(steps * FIRST_PHASE)
        start, end = (torch.full((task.recipe.batch, 1), lam) for lam in (0.0, 1.0))
        trainer.train(lambda x, _: network(x), network.parameters(), first, lambda _: start)
        tunable = convert(network, 1, strategy=run.strategy, include=include)
        trainer.train(tunable, tunable.added_parameters(), steps - first, lambda _: end)
    return lambda position: bake(tunable, torch.tensor([position], device=task.device))


class _Trainer:
    """Adam with one cosine per phase, the same for everybody."""

    def __init__(self, task: Task, crops: Crops) -> None:
        self.task, self.crops = task, crops
        self.generator = torch.Generator().manual_seed(task.recipe.seed)

    def train(
        self,
        network: Callable[[Tensor, Tensor], Tensor],
        trained: Iterable[nn.Parameter],
        steps: int,
        draw: Callable[[torch.Generator], Tensor],
    ) -> None:
        task, parameters = self.task, list(trained)
        optimizer = torch.optim.Adam(parameters, fused=True)
        for step in range(steps):
            rate = min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            optimizer.param_groups[0]["lr"] = task.recipe.learning_rate * rate
            clean = self.crops.draw(task.recipe.batch, self.generator)
            lam = draw(self.generator)
            noisy = task.degrade(clean, lam, self.generator).to(task.device)
            shared = lam[:1] if bool((lam == lam[0]).all()) else lam  # one kernel for all is faster
            output = network(noisy, shared.to(task.device))
            loss = task.loss(output, clean.to(task.device), lam.to(task.device))
            optimizer.zero_grad(set_to_none=True)
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()


def _lock(mark: IO[str]) -> bool:
    """Whether nobody else holds it; it goes with the process, however that ends."""
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
