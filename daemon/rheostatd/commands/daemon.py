"""`rheostat serve`, `stop` and `status`."""

from __future__ import annotations

import datetime
import os
import signal
from pathlib import Path
from typing import Annotated, Literal

from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.rendezvous import claim, is_claimed, read, runtime_folder
from typer import Option

from ..terminal import Json, say, say_json, table

GIB = 1024**3
NOBODY = "No daemon is running; it is started when it is needed."


def serve(
    picture_memory: Annotated[
        float, Option(min=0.01, metavar="GIB", help="Memory for uploaded pictures.")
    ] = 2.0,
    model_memory: Annotated[
        float,
        Option(
            min=0.01,
            metavar="GIB",
            help="Memory for models, half of it for them at slider positions.",
        ),
    ] = 1.0,
    cache_memory: Annotated[
        float,
        Option(min=0, metavar="GIB", help="Memory for what the next slider move may use again."),
    ] = 0.5,
    precision: Annotated[
        Literal["auto", "float32"],
        Option(help="auto computes in bfloat16 where that does not show."),
    ] = "auto",
    longest: Annotated[
        float,
        Option(min=0.1, metavar="MINUTES", help="Renders expected to take longer are refused."),
    ] = 60.0,
) -> None:
    """Run the daemon here, until Ctrl-C or `rheostat stop`. Programs start it by themselves."""
    folder = runtime_folder()
    with claim(folder):  # before torch is imported, so that nobody starts another one meanwhile
        _move_to(folder)
        from ..server import serve

        pictures, models, cache = (
            int(g * GIB) for g in (picture_memory, model_memory, cache_memory)
        )
        serve(folder, pictures, models, cache, precision, 60 * longest)


def _move_to(folder: Path) -> None:
    """Leave the folder it happened to be started in: a disk is not to be in use for that."""
    for name in ("RHEOSTAT_LOG", "RHEOSTAT_RUNTIME_DIR"):
        if given := os.environ.get(name):
            os.environ[name] = str(Path(given).absolute())
    if given := os.environ.get("RHEOSTAT_MODELS"):
        models = (Path(model).absolute() for model in given.split(os.pathsep) if model)
        os.environ["RHEOSTAT_MODELS"] = os.pathsep.join(map(str, models))
    os.chdir(folder)


def stop() -> None:
    """Stop the daemon."""
    try:
        with Connection.open() as connection:
            pid = connection.welcome.pid
            connection.shutdown()
    except RheostatError as error:
        if error.code == "wrong-protocol":
            _end_another()
        elif error.code == "no-daemon":
            say(NOBODY)
        else:
            raise
    else:
        say(f"The daemon (process {pid}) has stopped.")


def _end_another() -> None:
    """End a daemon of a version that cannot be spoken with."""
    folder = runtime_folder()
    record = read(folder)
    if record is None or not is_claimed(folder):
        say(NOBODY)
        return
    os.kill(record.pid, signal.SIGTERM)
    say(f"The daemon {record.version} (process {record.pid}) was told to stop.")


def status(
    json: Json = False,
    metrics: Annotated[bool, Option("--metrics", help="Counts as Prometheus text.")] = False,
) -> None:
    """Say whether the daemon runs, and what it holds and does."""
    try:
        with Connection.open() as connection:
            if metrics:
                print(connection.metrics(), end="")
                return
            report = connection.status()
    except RheostatError as error:
        if error.code != "no-daemon":
            raise
        say_json({"pid": None}) if json else say(NOBODY)
        return
    if json:
        say_json(report)
        return
    jobs, store = report["jobs"], report["store"]
    lines = table()
    for name, value in (
        ("Daemon", f"{report['version']}, process {report['pid']}"),
        ("Running for", str(datetime.timedelta(seconds=round(report["uptime"])))),
        ("Device", report["device"]),
        ("Jobs", f"{jobs['running']} running, {jobs['queued']} waiting"),
        (
            "Pictures",
            f"{store['pictures']}, {store['bytes'] / GIB:.2f} of {store['budget'] / GIB:.2f} GiB",
        ),
        ("Caches", f"{sum(c['bytes'] for c in report['caches'].values()) / GIB:.2f} GiB"),
        ("Models", ", ".join(f"{m['id']} ({m['state']})" for m in report["models"]) or "none"),
        ("Programs", ", ".join(s["client"] for s in report["sessions"])),
        ("Log", report["log"]),
    ):
        lines.add_row(name, value)
    say(lines)
