"""The plug-in in the fake Krita, on both of the Qts that Krita has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Command
from packages import write_package, write_upscaler

TESTS = Path(__file__).parents[1]
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def rheostat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command, with three models; the daemon that the plug-in starts ends with it."""
    folder = tmp_path_factory.mktemp("fake")
    for id in ("tiny", "other"):
        write_package(folder / "models", id)
    write_upscaler(folder / "models")
    command = Command(folder)
    yield command
    command("stop")


@pytest.fixture(scope="session")
def plug_in(rheostat: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plug-in, as it is installed."""
    folder = tmp_path_factory.mktemp("krita")
    rheostat("install", "krita", "--profile", folder)
    return folder / "pykrita"


@pytest.fixture(scope="session", params=[5, 6], ids="PyQt{}".format)
def run(
    request: pytest.FixtureRequest,
    rheostat: Command,
    plug_in: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Runs a scenario of `host`, with the plug-in in a folder; what it has seen."""
    answers = tmp_path_factory.mktemp("answers")
    environment = {**os.environ, **rheostat.environment}
    environment |= {"FAKE_QT": str(request.param), "QT_QPA_PLATFORM": "offscreen"}
    environment |= {"PYTHONPATH": str(TESTS), "XDG_RUNTIME_DIR": rheostat.environment["HOME"]}

    def run_scenario(scenario: str, folder: Path = plug_in) -> Any:
        answer = answers / f"{scenario}.json"
        words = [sys.executable, "-m", "krita_fake.host", scenario, str(folder), str(answer)]
        done = subprocess.run(
            words,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, "\n".join([done.stdout, done.stderr])[-4000:]
        result = json.loads(answer.read_text())
        assert Path(result["plug-in"]).is_relative_to(folder)
        return {"png": answer.with_suffix(".png"), "seen": result["seen"]}

    return run_scenario
