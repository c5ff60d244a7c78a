"""`rheostat models` and `show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.models import ModelInfo
from rheostat_client.settings import Settings
from typer import Argument

from ..installation import START
from ..terminal import Json, say, say_json, table, warn


def models(json: Json = False) -> None:
    """List the models."""
    with connect() as connection:
        found = connection.models()
        for entry in connection.status()["models"]:
            if entry["state"] == "failed":
                warn(entry["reason"])
    if json:
        say_json([model.to_dict() for model in found])
        return
    lines = table("MODEL", "VERSION", "CONTROLS", "")
    for model in found:
        lines.add_row(
            model.id, model.version, ", ".join(c.id for c in model.controls), model.summary
        )
    say(lines if found else "There is no model.")


def show(
    what: Annotated[
        str,
        Argument(metavar="MODEL|PICTURE", help="A model's id, or a filtered picture (also .kra)."),
    ],
    json: Json = False,
) -> None:
    """Describe a model and its controls, or say how a picture was made."""
    if Path(what).is_file():
        _show_record(Path(what), json)
        return
    with connect() as connection:
        model = find_model(connection, what)
    if json:
        say_json(model.to_dict())
        return
    say(f"{model.name} ({model.id}) {model.version}: {model.summary}")
    say(f"Digest {model.digest}\n")
    lines = table("CONTROL", "RANGE", "DEFAULT", "OFF", "UNIT", "")
    for c in model.controls:
        low, high = (c.format(value) for value in c.hard)
        off = "" if c.off is None else c.format(c.off)
        lines.add_row(c.id, f"{low} to {high}", c.format(c.default), off, c.unit, c.help)
    say(lines)


def connect() -> Connection:
    """The daemon, started if it is not running."""
    return Connection.open(START)


def find_model(connection: Connection, name: str) -> ModelInfo:
    """The model `name`; RheostatError `unknown-model`, or `busy` or `bad-package` saying why."""
    known = {model.id: model for model in connection.models()}
    entries = {} if name in known else {e["id"]: e for e in connection.status()["models"]}
    if name in entries:
        if entries[name]["state"] == "checking":
            raise RheostatError(
                "busy", f"The files of model {name} are being checked.", "Try again soon."
            )
        if entries[name]["state"] == "failed":
            raise RheostatError("bad-package", entries[name]["reason"])
        known = {model.id: model for model in connection.models()}  # checked in between
    if name in known:
        return known[name]
    raise RheostatError("unknown-model", f"There is no model {name!r}.", nearest(name, known))


def _show_record(path: Path, json: bool) -> None:
    from ..documents import is_document, read_layers
    from ..pictures import read_picture

    if is_document(path):
        made = read_layers(path)
    else:
        record = read_picture(path).metadata.record
        made = [("", Settings.from_json(record))] if record else []
    if not made:
        raise RheostatError(
            "bad-settings",
            f"{path} does not say how it was made.",
            "Pictures written by `rheostat filter` do.",
        )
    for layer, settings in made:
        if json:
            print(settings.to_json())
            continue
        if layer:
            say(f"{layer}:")
        values = " · ".join(f"{name} {value:g}" for name, value in settings.controls.items())
        say(f"Made with {settings.model} {settings.version}: {values}")
        if settings.source:
            say("From " + ", ".join(f"{name} {value}" for name, value in settings.source.items()))
