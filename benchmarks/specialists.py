"""`python -m benchmarks.specialists`: what it costs to have sliders.

For `denoise` and `upscale2`, one tunable network by the model's own recipe, cut to so many steps,
and two specialists: plain networks of the same layers that train all these steps for one position
of the sliders. Same pictures, batches, seed and schedule; measured with the same noise.

A run that was broken off goes on where it stopped, and finished ones are kept; call it again until
it says that all are done, and it writes results/specialists.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import torch
import typer
from rheostat.data import find_pictures, read_rgb, to_float
from rheostat.nets import Network, build
from rheostat.package import find_packages
from rheostat.recipe import Recipe, Stage, read_recipe
from rheostat.tasks import TASKS, Restoration
from rheostat.tasks.task import Batch
from rheostat.training import Progress, Trainer
from rich.console import Console
from safetensors.torch import load_file
from torch import Generator, Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio

from .machine import commit, machine

RESULT = Path(__file__).parent / "results" / "specialists.md"
HEADINGS = ("model", "position", "measured", "tunable", "specialist", "cost")


@dataclass(frozen=True)
class Comparison:
    """A model, and where on its sliders it is compared."""

    model: str
    pictures: str  # below test/
    positions: tuple[tuple[float, float], ...]


COMPARED = (
    Comparison("denoise", "CBSD68", ((15.0, 0.0), (50.0, 0.0))),
    Comparison("upscale2", "Set5", ((0.0, 0.0), (0.0, 1.0))),
)


class Specialist(nn.Module):
    """The plain network that a tunable one is at one position, to be trained for that alone."""

    def __init__(self, network: Network, position: tuple[float, float]) -> None:
        super().__init__()
        self.plain = network.bake(torch.tensor(position)).requires_grad_(True)

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """The result; λ is always the same."""
        del lam
        result: Tensor = self.plain(x)
        return result


@dataclass(frozen=True)
class Run:
    """One network: the tunable one, or the specialist for `position`."""

    comparison: Comparison
    position: tuple[float, float] | None
    steps: int

    @property
    def name(self) -> str:
        at = "-".join(f"{value:g}" for value in self.position) if self.position else "tunable"
        return f"{self.comparison.model}-{at}-{self.steps}"

    def train(self, data: Path, store: Path, seconds: float, console: Console) -> bool:
        """Go on training for at most so long; whether it is done."""
        out = store / self.name
        recipe = self.recipe()
        trainer = Trainer(recipe, data / "photos", out, data / "backbones", torch.device("cpu"))
        if self.position:
            specialise(trainer, self.position)
        if trainer.checkpoint.exists():
            trainer.resume()
        if trainer.step == recipe.steps:
            return True
        trainer.run(seconds, lambda at: _say(console, self.name, at), lambda: False)
        trainer.finish()
        return trainer.step == recipe.steps

    def network(self, store: Path, position: tuple[float, float]) -> nn.Module:
        """What was trained, at `position`: (N, 3, H, W) -> pictures."""
        recipe, weights = self.recipe(), load_file(store / self.name / "weights.safetensors")
        tunable = build(recipe.architecture, recipe.config)
        if not self.position:
            tunable.load_state_dict(weights)
            return tunable.bake(torch.tensor(position)).eval()
        specialist = Specialist(tunable, self.position)
        specialist.load_state_dict(weights)
        return specialist.plain.eval()

    def recipe(self) -> Recipe:
        """The model's own, its stages cut in proportion; a specialist has one."""
        recipe = read_recipe(find_packages()[self.comparison.model] / "recipe.toml")
        whole, left, stages = recipe.steps, self.steps, list[Stage]()
        for stage in recipe.stages[:-1] if not self.position else ():
            stages.append(msgspec.structs.replace(stage, steps=self.steps * stage.steps // whole))
            left -= stages[-1].steps
        last = recipe.stages[0 if self.position else -1]
        stages.append(msgspec.structs.replace(last, steps=left))
        return msgspec.structs.replace(recipe, stages=tuple(stages), validate_every=10**9)


def specialise(trainer: Trainer, position: tuple[float, float]) -> None:
    """Let `trainer` train the plain network for `position` instead of the tunable one."""
    trainer.network = Specialist(trainer.network, position)  # type: ignore[assignment]
    task = trainer.task
    assert isinstance(task, Restoration)
    draw, (fault, detail) = task.draw, position

    def draw_faults(count: int, generator: Generator) -> Tensor:
        del generator
        return torch.full((count, 1), fault)

    def draw_fixed(clean: Tensor, detailed: float, generator: Generator) -> Batch:
        del detailed
        batch = draw(clean, 0.0, generator)
        batch.lam[:, -1] = detail
        return batch

    task.draw_faults, task.draw = draw_faults, draw_fixed  # type: ignore[method-assign]


def main(
    data: Annotated[Path, typer.Option(help="Folder with photos, test and backbones.")],
    steps: Annotated[int, typer.Option(min=10, help="Steps of each network.")] = 4000,
    minutes: Annotated[float, typer.Option(help="Stop after this time, to go on later.")] = 60,
    store: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs/specialists"),
    result: Annotated[Path, typer.Option(help="The table to write.")] = RESULT,
) -> None:
    """Train what is not trained yet; then measure and write."""
    console, end = Console(), time.monotonic() + 60 * minutes
    runs = [
        Run(comparison, position, steps)
        for comparison in COMPARED
        for position in (None, *comparison.positions)
    ]
    for run in runs:
        if not run.train(data, store, max(0.0, end - time.monotonic()), console):
            console.print(f"The time is over at {run.name}; call it again to go on.")
            raise typer.Exit(2)
    rows = [row for comparison in COMPARED for row in _rows(comparison, steps, data, store)]
    lines = ["# What sliders cost", ""]
    lines += [f"`python -m benchmarks.specialists --data ../shared/data --steps {steps}`, "]
    lines += [f"{machine()}, commit {commit()}.", ""]
    lines += [(__doc__ or "").split("\n\n")[1].strip(), ""]
    lines += ["PSNR in dB (more is better) or the loss that `detail` 1 is trained for,"]
    lines += ["0.4 L1 + LPIPS, each over the specialist's (less is better).", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    console.print("\n".join(lines))
    result.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _rows(comparison: Comparison, steps: int, data: Path, store: Path) -> Iterator[tuple[str, ...]]:
    recipe = read_recipe(find_packages()[comparison.model] / "recipe.toml")
    task = TASKS[recipe.task](data / "backbones")
    assert isinstance(task, Restoration)
    for position in comparison.positions:
        networks = [Run(comparison, p, steps).network(store, position) for p in (None, position)]
        ours, best = (
            _measured(n, task, position, data / "test" / comparison.pictures) for n in networks
        )
        where = " · ".join(f"`{c}` {v:g}" for c, v in zip(task.controls, position, strict=True))
        if position[-1] == 0:
            cells = ("PSNR", f"{ours[0]:.2f}", f"{best[0]:.2f}", f"{best[0] - ours[0]:+.2f} dB")
        else:
            floor = task.fidelity_floor
            loss = (floor * ours[1] / best[1] + ours[2] / best[2]) / (1 + floor)
            cells = ("loss", f"{loss:.3f}", "1.000", f"{100 * (loss - 1):+.1f} %")
        yield (comparison.model, where, *cells)


@torch.inference_mode()
def _measured(
    network: nn.Module, task: Restoration, position: tuple[float, float], folder: Path
) -> tuple[float, float, float]:
    """Mean PSNR (dB), L1 and LPIPS at `position` on the pictures in `folder`."""
    sums = torch.zeros(3, dtype=torch.float64)
    paths = find_pictures(folder)
    for index, path in enumerate(paths):
        clean = to_float(read_rgb(path))[None]
        multiple = 2 * task.scale
        height, width = (side - side % multiple for side in clean.shape[2:])
        clean = clean[:, :, :height, :width]
        result = network(task.spoil(clean, position[:-1], index)).clamp(0, 1)
        psnr = peak_signal_noise_ratio(task.judged(result), task.judged(clean), data_range=1.0)
        sums += torch.tensor(
            [float(psnr), float((result - clean).abs().mean()), float(task.lpips(result, clean))]
        )
    psnr, fidelity, perception = (sums / len(paths)).tolist()
    return psnr, fidelity, perception


def _say(console: Console, name: str, at: Progress) -> None:
    if at.step % 200 == 0:
        console.print(
            f"{name}: step {at.step} of {at.steps}, loss {at.loss:.4g}, "
            f"{at.steps_per_second:.1f} steps/s"
        )


if __name__ == "__main__":
    typer.run(main)
