"""`python -m benchmarks.specialists`: what it costs to have sliders.

A specialist is the plain network that a shipped one is at one position of its sliders, trained on
for that position alone, with the pictures, losses and faults of the model's own recipe. It has all
steps of the shipped network's training and those from here besides: whatever the sliders cost, it
can win back. Both are measured with the same noise.

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
from rheostat.nets import Network
from rheostat.package import Package, find_packages, read_package
from rheostat.recipe import Recipe, read_recipe
from rheostat.tasks import TASKS, Restoration
from rheostat.training import Progress, Trainer
from rich.console import Console
from safetensors.torch import load_file
from torch import Generator, Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio

from .machine import DATA, commit, machine

RESULT = Path(__file__).parent / "results" / "specialists.md"
HEADINGS = ("model", "position", "tunable, dB", "specialist, dB", "cost, dB")
LEARNING_RATE = 4e-4  # less than the recipes': there is little left to learn


class Specialist(nn.Module):
    """The plain network that a tunable one is at one position, to be trained for that alone."""

    def __init__(self, network: Network, position: tuple[float, ...]) -> None:
        super().__init__()
        self.plain = network.bake(torch.tensor(position)).requires_grad_(True)

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """The result; λ is always the same."""
        del lam
        result: Tensor = self.plain(x)
        return result


@dataclass(frozen=True)
class Run:
    """The specialist of a shipped model for one fault (all of λ but detail), at detail 0."""

    model: str
    pictures: str  # below test/
    fault: tuple[float, ...]

    @property
    def position(self) -> tuple[float, ...]:
        """λ."""
        return *self.fault, 0.0

    @property
    def package(self) -> Package:
        """The shipped model."""
        return read_package(find_packages()[self.model])

    def recipe(self, steps: int) -> Recipe:
        """The first stage of the model's own, cut to `steps`, for all weights."""
        recipe = read_recipe(self.package.folder / "recipe.toml")
        stage = recipe.stages[0]
        stage = msgspec.structs.replace(stage, steps=steps, learning_rate=LEARNING_RATE, only=())
        return msgspec.structs.replace(recipe, stages=(stage,), validate_every=10**9)

    def out(self, store: Path, steps: int) -> Path:
        """Where it is kept."""
        return store / "-".join(
            [
                self.model,
                *(f"{value:g}" for value in self.fault),
                str(steps),
                self.package.info.digest[:8],
            ]
        )

    def train(self, data: Path, store: Path, steps: int, seconds: float, console: Console) -> bool:
        """Go on for at most so long; whether it is done."""
        out = self.out(store, steps)
        recipe, backbones = self.recipe(steps), data / "backbones"
        trainer = Trainer(recipe, data / "photos", out, backbones, torch.device("cpu"))
        specialise(trainer, self.package.load(), self.position)
        if trainer.checkpoint.exists():
            trainer.resume()
        if trainer.step < steps:
            trainer.run(seconds, lambda at: _say(console, out.name, at), lambda: False)
            trainer.finish()
        return trainer.step == steps

    def specialist(self, store: Path, steps: int) -> nn.Module:
        """What was trained: (N, 3, H, W) -> pictures."""
        made = Specialist(self.package.load(), self.position)
        made.load_state_dict(load_file(self.out(store, steps) / "weights.safetensors"))
        return made.plain.eval()

    def tunable(self) -> nn.Module:
        """The shipped network at the same position."""
        return self.package.load().bake(torch.tensor(self.position)).eval()


RUNS = (
    Run("denoise", "CBSD68", (15.0, 0.0)),
    Run("denoise", "CBSD68", (50.0, 0.0)),
    Run("upscale2", "Set5", (0.0,)),
    Run("upscale2", "Set5", (10.0,)),
)


def specialise(trainer: Trainer, network: Network, position: tuple[float, ...]) -> None:
    """Let `trainer` train what `network` is at `position`, for that alone."""
    trainer.network = Specialist(network, position)  # type: ignore[assignment]
    trainer.optimizer = trainer._optimizer()
    task = trainer.task
    assert isinstance(task, Restoration)

    def draw_faults(count: int, generator: Generator) -> Tensor:
        del generator
        return torch.tensor([position[:-1]]).expand(count, -1)

    task.draw_faults = draw_faults  # type: ignore[method-assign]


def main(
    data: Annotated[Path, typer.Option(help="Folder with photos, test and backbones.")] = DATA,
    steps: Annotated[int, typer.Option(min=10, help="Steps of each specialist.")] = 1000,
    minutes: Annotated[float, typer.Option(help="Stop after this time, to go on later.")] = 60,
    store: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs/specialists"),
    result: Annotated[Path, typer.Option(help="The table to write.")] = RESULT,
) -> None:
    """Train what is not trained yet; then measure and write."""
    console, end = Console(), time.monotonic() + 60 * minutes
    for run in RUNS:
        if not run.train(data, store, steps, max(0.0, end - time.monotonic()), console):
            console.print(f"The time is over at {run.out(store, steps).name}; call it again.")
            raise typer.Exit(2)
    rows = [_row(run, steps, data, store) for run in RUNS]
    lines = ["# What sliders cost", ""]
    lines += [f"`python -m benchmarks.specialists --steps {steps}`, "]
    lines += [f"{machine()}, commit {commit()}.", ""]
    lines += [(__doc__ or "").split("\n\n")[1].strip(), ""]
    lines += ["PSNR at `detail` 0, of RGB for denoise and of luma for upscale2.", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    console.print("\n".join(lines))
    result.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _row(run: Run, steps: int, data: Path, store: Path) -> tuple[str, ...]:
    recipe = run.recipe(steps)
    task = TASKS[recipe.task](data / "backbones")
    assert isinstance(task, Restoration)
    samples = list(_samples(run, task, data / "test" / run.pictures))
    ours, best = (_psnr(n, task, samples) for n in (run.tunable(), run.specialist(store, steps)))
    where = ", ".join(f"`{c}` {v:g}" for c, v in zip(task.controls, run.fault, strict=False))
    return run.model, where, f"{ours:.2f}", f"{best:.2f}", f"{best - ours:+.2f}"


def _samples(run: Run, task: Restoration, folder: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Spoilt and clean pictures."""
    for index, path in enumerate(find_pictures(folder)):
        clean = to_float(read_rgb(path))[None]
        multiple = 2 * task.scale
        height, width = (side - side % multiple for side in clean.shape[2:])
        clean = clean[:, :, :height, :width]
        yield task.spoil(clean, run.fault, index), clean


@torch.inference_mode()
def _psnr(network: nn.Module, task: Restoration, samples: list[tuple[Tensor, Tensor]]) -> float:
    found = [
        peak_signal_noise_ratio(
            task.judged(network(x).clamp(0, 1)), task.judged(clean), data_range=1.0
        )
        for x, clean in samples
    ]
    return float(torch.stack(found).mean())


def _say(console: Console, name: str, at: Progress) -> None:
    if at.step % 100 == 0:
        console.print(
            f"{name}: step {at.step} of {at.steps}, loss {at.loss:.4g}, "
            f"{at.steps_per_second:.1f} steps/s"
        )


if __name__ == "__main__":
    typer.run(main)
