"""`rheostat filter`: pictures in, pictures out."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rheostat_client.connection import Connection, Rendered
from rheostat_client.controls import Control, complete, title
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.presets import Presets
from rheostat_client.settings import Settings
from typer import Argument, BadParameter, Option

from ..terminal import Json, complain, progress, say, say_json, warn
from .models import connect, find_model

if TYPE_CHECKING:
    from ..pictures import Picture, Target

AUTO = "auto"  # in place of a control's value: find it out


def filter(
    model: Annotated[str, Argument(metavar="MODEL", help="`rheostat models` lists them.")],
    inputs: Annotated[list[Path], Argument(metavar="IN", help="Pictures, or a folder of them.")],
    out: Annotated[Path, Argument(metavar="OUT", help="A file; for several pictures a folder.")],
    assignments: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="ID=VALUE",
            help="A control's value, or `auto`; for each control you like.",
        ),
    ] = None,
    preset: Annotated[
        str,
        Option(metavar="NAME", help="Settings kept in GIMP or Krita; `--set` goes before them."),
    ] = "",
    paintings: Annotated[
        list[str] | None,
        Option(
            "--map",
            metavar="ID=FILE",
            help="A grey picture that says where and how much: white is the control's value.",
        ),
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace files that exist.")] = False,
    json: Json = False,
) -> None:
    """Filter pictures. Depth, transparency, colour profile and EXIF stay as they are.

    The result says how it was made: `rheostat show OUT`.
    """
    values, wanted = parse_assignments(assignments or [])
    maps = parse_maps(paintings or [])
    jobs = plan(inputs, out, overwrite)
    with connect() as connection:
        info = find_model(connection, model)
        if preset:
            presets = Presets(info.id, info.controls, shipped=info.presets)
            values = {**presets.values(preset), **values}
        controls, unknown = complete(info.controls, values), estimable(info, wanted)
        purpose = "batch" if len(jobs) > 1 else "apply"
        task = _Task(connection, info, controls, unknown, maps, purpose)
        results = [_attempt(task, *job, is_quiet=json) for job in jobs]
    if json:
        say_json(results)
    if any("error" in result for result in results):
        raise typer.Exit(1)


def parse_assignments(words: Sequence[str]) -> tuple[dict[str, float], list[str]]:
    """`id=value` words as values by control id, and the ids that are to be found out (`id=auto`).

    BadParameter if one is not of that form.
    """
    values: dict[str, float] = {}
    wanted: list[str] = []
    for word in words:
        name, _, text = word.partition("=")
        if name in values or name in wanted:
            raise BadParameter(f"{name} is set twice.", param_hint="--set")
        if name and text == AUTO:
            wanted.append(name)
            continue
        try:
            values[name] = float(text)
        except ValueError:
            name = ""
        if not name:
            raise BadParameter(f"{word!r} is not of the form id=number.", param_hint="--set")
    return values, wanted


def estimable(model: ModelInfo, names: Sequence[str]) -> list[Control]:
    """The controls with these ids; RheostatError `unknown-control` if one has no `auto`."""
    known = {control.id: control for control in model.controls if control.auto}
    for name in names:
        if name not in known:
            raise RheostatError(
                "unknown-control",
                f"{model.name} has no estimate for {name!r}.",
                f"It has for: {', '.join(known) or 'none'}.",
            )
    return [known[name] for name in names]


def parse_maps(words: Sequence[str]) -> dict[str, Path]:
    """`id=file` words as files by control id; BadParameter if one is not of that form."""
    maps: dict[str, Path] = {}
    for word in words:
        name, _, file = word.partition("=")
        if not name or not file:
            raise BadParameter(f"{word!r} is not of the form id=file.", param_hint="--map")
        if name in maps:
            raise BadParameter(f"{name} is painted twice.", param_hint="--map")
        maps[name] = Path(file)
    return maps


def plan(inputs: Sequence[Path], out: Path, overwrite: bool) -> list[tuple[Path, Target]]:
    """Which picture goes where, every place checked.

    Raises RheostatError `bad-picture` or `unwritable`.
    """
    from ..pictures import FORMATS, Target

    sources: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in FORMATS)
            if not found:
                raise RheostatError(
                    "bad-picture",
                    f"The folder {path} holds no picture.",
                    f"Names end in {', '.join(FORMATS)}.",
                )
            sources += found
        elif path.is_file():
            sources.append(path)
        else:
            raise RheostatError("bad-picture", f"There is no file {path}.", "Check the name.")
    if len(inputs) == 1 and inputs[0].is_file() and not out.is_dir():
        return [(sources[0], Target(out, overwrite=overwrite))]
    return [
        (source, Target(path, overwrite=overwrite))
        for source, path in zip(sources, _places(sources, out), strict=True)
    ]


def _places(sources: Sequence[Path], folder: Path) -> list[Path]:
    places = [folder / source.name for source in sources]
    if len(set(places)) < len(places):
        twice = next(p.name for p in places if places.count(p) > 1)
        raise RheostatError(
            "unwritable", f"Two of the pictures are called {twice}.", "Filter them one by one."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RheostatError(
            "unwritable",
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Name another one as OUT.",
        ) from error
    return places


@dataclass(frozen=True)
class _Task:
    """What is to be done with each of the pictures.

    unknown  controls that are to be found out
    maps     files by control id
    """

    connection: Connection
    model: ModelInfo
    controls: Mapping[str, float]
    unknown: Sequence[Control]
    maps: Mapping[str, Path]
    purpose: str


def _attempt(task: _Task, source: Path, target: Target, is_quiet: bool) -> dict[str, Any]:
    """One picture; what to report of it, or of why there is none: the others go on."""
    try:
        result = _filter(task, source, target)
    except Exception as error:
        problem = error if isinstance(error, RheostatError) else _fault(source, error)
        complain(problem)
        words = {"code": problem.code, "message": problem.message, "remedy": problem.remedy}
        result = {"error": words}
    else:
        if not is_quiet:
            name = title(task.model.name, task.model.controls, result["controls"])
            say(f"{target.path}: {name} ({result['milliseconds'] / 1000:.1f} s)")
    return {"input": str(source), "output": str(target.path), **result}


def _fault(source: Path, error: Exception) -> RheostatError:
    """What to say of an error that nobody foresaw; its trace goes to stderr."""
    traceback.print_exception(error)
    return RheostatError(
        "internal",
        f"{source} could not be filtered ({type(error).__name__}).",
        "Report it with the lines above; the other pictures are not concerned.",
    )


def _filter(task: _Task, source: Path, target: Target) -> dict[str, Any]:
    """One picture; what to report of it."""
    from ..pictures import Srgb, read_picture, with_record

    picture = read_picture(source)
    srgb = Srgb(picture)
    lost = target.accept(picture, task.model.scale)
    for sentence in (warnings := (*picture.warnings, *srgb.warnings, *lost)):
        warn(f"{source}: {sentence}")
    found = {
        control.id: _estimate(task, control, picture, srgb.picture) for control in task.unknown
    }
    controls = {**task.controls, **found}
    rendered = _render(task, source.name, srgb.picture, controls)
    settings = replace(
        Settings.from_json(rendered.settings),
        source={"file": source.name},
        maps={name: {"file": path.name} for name, path in task.maps.items()},
    )
    result = srgb.restore(rendered.pixels, rendered.width // picture.width)
    target.write(with_record(result, settings.to_json()))
    return {
        "format": result.format.name,
        "width": result.width,
        "height": result.height,
        "controls": controls,
        "milliseconds": rendered.milliseconds,
        "device": rendered.device,
        "warnings": warnings,
    }


def _render(task: _Task, name: str, sent: Picture, controls: Mapping[str, float]) -> Rendered:
    """`sent` through the network, with a progress bar called `name`."""
    from ..pictures import read_picture

    painted = {id: read_picture(path).painted() for id, path in task.maps.items()}
    with progress() as bar:
        line = bar.add_task(name)
        return task.connection.filter(
            *_pixels(sent),
            task.model.id,
            controls,
            purpose=task.purpose,
            maps={id: _pixels(grey) for id, grey in painted.items()},
            on_progress=lambda done, total, state: bar.update(
                line, completed=done, total=total, description=f"{name}: {state}"
            ),
        )


def _estimate(task: _Task, control: Control, picture: Picture, sent: Picture) -> float:
    """What `control` should be for `picture`, of which `sent` has the colours we send."""
    from ..pictures import quality

    if control.auto == "quality" and picture.metadata.steps:
        return control.rounded(quality(picture.metadata.steps))  # the file says it itself
    hash = task.connection.upload(*_pixels(sent))
    return task.connection.estimate(hash, task.model.id, control.id)


def _pixels(picture: Picture) -> tuple[bytes, str, int, int]:
    return picture.tobytes(), picture.format.name, picture.width, picture.height
