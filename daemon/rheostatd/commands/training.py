"""`rheostat train`, `pack` and `evaluate`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rheostat_client.errors import RheostatError, nearest
from typer import Argument, Option

from ..terminal import progress, say, table

if TYPE_CHECKING:
    from rheostat.package import Package
    from rheostat.training import Progress

Data = Annotated[Path, Option("--data", metavar="FOLDER", help="Pictures, in any folder.")]
Backbones = Annotated[
    Path | None,
    Option(
        "--backbones",
        metavar="FOLDER",
        envvar="RHEOSTAT_BACKBONES",
        help="Weights of the perceptual loss. Default: a folder of that name near the data.",
    ),
]


def train(
    recipe: Annotated[Path, Argument(metavar="RECIPE", help="A recipe.toml.")],
    data: Data,
    minutes: Annotated[float, Option(min=0.0, help="Stop after so many minutes.")],
    resume: Annotated[bool, Option("--resume", help="Go on where the last run stopped.")] = False,
    start: Annotated[
        Path | None,
        Option(metavar="WEIGHTS", help="Begin with what fits of a related network's weights."),
    ] = None,
    backbones: Backbones = None,
    out: Annotated[
        Path | None, Option(metavar="FOLDER", help="Default: runs/ and the recipe's folder name.")
    ] = None,
) -> None:
    """Train a model by a recipe; go on later with --resume, as if there had been no pause."""
    from rheostat.perception import find_backbones
    from rheostat.training import train

    folder = out or Path("runs") / recipe.resolve().parent.name
    with progress() as bar, interrupt_asked() as should_stop:
        task = bar.add_task("reading pictures", total=None)

        def report(at: Progress) -> None:
            loss = f"loss {at.loss:.4g}, {at.steps_per_second:.1f} steps/s"
            bar.update(task, description=loss, completed=at.step, total=at.steps)
            if at.validation:
                scores = ", ".join(f"{k} {v:.4g}" for k, v in at.validation.items())
                bar.console.print(f"step {at.step} of {at.steps}: {loss}; {scores}")

        weights = train(
            recipe,
            data,
            minutes=minutes,
            out=folder,
            backbones=backbones or find_backbones(data),
            resume=resume,
            start=start,
            report=report,
            should_stop=should_stop,
        )
    say(f"Weights: {weights}")


@contextmanager
def interrupt_asked() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks to stop, after the step that is being taken, instead of breaking it off."""
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def pack(
    weights: Annotated[Path, Argument(metavar="WEIGHTS", help="What `rheostat train` wrote.")],
    folder: Annotated[Path, Argument(metavar="FOLDER", help="The package, with its model.toml.")],
    reach: Annotated[
        float, Option(min=0.1, max=1.0, help="Trained travel of the last control to offer.")
    ] = 1.0,
    half: Annotated[bool, Option("--half", help="Store weights in half precision.")] = False,
) -> None:
    """Put trained weights into a package; its evidence must be measured again."""
    from rheostat.packing import pack

    manifest = pack(weights, folder, reach, half=half)
    say(f"Packed {manifest.id} {manifest.version}. Now measure it: rheostat evaluate {folder}")


def evaluate(
    model: Annotated[str, Argument(metavar="MODEL", help="A model's id, or a package's folder.")],
    data: Data,
    backbones: Backbones = None,
    estimators: Annotated[
        bool, Option("--estimators", help="Only what `auto` says; all else stays as it is.")
    ] = False,
) -> None:
    """Measure a model on a folder of clean pictures; writes its evidence.json."""
    from rheostat.evaluation import evaluate
    from rheostat.perception import find_backbones

    package = _package(model)
    command = f"rheostat evaluate {package.info.id} --data {data.resolve().name}"
    with progress() as bar:
        task = bar.add_task("measuring")
        evidence = evaluate(
            package,
            data,
            backbones or find_backbones(data),
            command=command,
            only_estimators=estimators,
            report=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for sweep, columns in evidence["sweeps"].items():
        say(_sweep(sweep, columns))


def _package(model: str) -> Package:
    from rheostat.package import find_packages, read_package

    packages = find_packages()
    folder = Path(model) if Path(model).is_dir() else packages.get(model)
    if folder is None:
        raise RheostatError(
            "unknown-model", f"There is no model {model!r}.", nearest(model, packages)
        )
    return read_package(folder)


def _sweep(name: str, columns: Mapping[str, Sequence[float]]) -> Any:
    lines = table(name.upper(), *(heading for heading in columns if heading != "position"))
    for row in zip(*columns.values(), strict=True):
        lines.add_row(*(f"{value:g}" for value in row))
    return lines
