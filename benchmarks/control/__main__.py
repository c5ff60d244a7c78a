"""`python -m benchmarks.control`: every control strategy against the others, on two tasks.

Finished runs are kept in `--store` and not done again; start the command several times at once, one
thread each, to share the work. `--report` writes benchmarks/results/control.{json,md} and plots.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from ..machine import DATA
from .report import write_report
from .run import BLEND, SPECIALIST, Run, all_runs, claim, perform
from .task import Task, read_crops, read_recipe

HERE = Path(__file__).parent


def main(
    data: Annotated[Path, typer.Option(help="Folder with photos, test and backbones.")] = DATA,
    store: Annotated[Path, typer.Option(help="Where finished runs are kept.")] = Path(
        "runs/control"
    ),
    recipe: Annotated[Path, typer.Option(help="What is compared.")] = HERE / "recipe.toml",
    minutes: Annotated[float, typer.Option(help="Begin no run after this time.")] = 60,
    only: Annotated[str, typer.Option(help="Only runs whose name begins so.")] = "",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    report: Annotated[bool, typer.Option(help="Write the results instead of training.")] = False,
) -> None:
    """Train, measure and compare."""
    console = Console()
    what = read_recipe(recipe)
    if report:
        write_report(what, store, HERE.parent / "results", device, console)
        return
    start = time.monotonic()
    crops = read_crops(what, data)
    tasks: dict[str, Task] = {}
    for run in claim(store, [r for r in all_runs(what) if r.name.startswith(only)]):
        if time.monotonic() - start > minutes * 60:
            break
        if run.strategy == BLEND and not _ends_are_done(run, store):
            continue
        task = tasks.get(run.task) or Task(run.task, what, data, torch.device(device))
        tasks[run.task] = task
        task.reset()
        begun = time.monotonic()
        perform(run, task, crops, store)
        console.print(f"{run.name}: {time.monotonic() - begun:.0f} s")


def _ends_are_done(run: Run, store: Path) -> bool:
    names = (Run(run.task, SPECIALIST, at).name for at in (0.0, 1.0))
    return all((store / f"{name}.safetensors").exists() for name in names)


if __name__ == "__main__":
    typer.run(main)
