"""The real command, a real daemon and tiny models, in folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli.samples import noise, write
from packages import write_package, write_upscaler
from rheostat.package import WEIGHTS
from rheostat.packing import seal
from rheostatd.cli import app
from typer.testing import CliRunner


class Command:
    """`rheostat` at home in a folder, with its runtime folder and models there.

    It runs inside this process, which has torch imported; the daemon it starts is a process of its
    own, and so is what `start` starts.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which may have `models`."""
        (folder / "run").mkdir(mode=0o700)
        self.environment: dict[str, str | None] = {
            **{name: None for name in os.environ if name.startswith(("RHEOSTAT_", "XDG_"))},
            "HOME": str(folder),
            "RHEOSTAT_RUNTIME_DIR": str(folder / "run"),
            "RHEOSTAT_MODELS": str(folder / "models"),
            "OMP_NUM_THREADS": "1",
        }

    @contextmanager
    def start(self, *words: object) -> Iterator[subprocess.Popen[str]]:
        """Run it in a process, which is killed if it has not ended by itself."""
        environment = {**os.environ, **self.environment}
        with subprocess.Popen(
            [sys.executable, "-m", "rheostatd", *map(str, words)],
            env={name: value for name, value in environment.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_interrupts,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def run(self, *words: object) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        result = CliRunner(env=self.environment).invoke(app, list(map(str, words)))
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def __call__(self, *words: object) -> str:
        """Stdout of a run that must succeed."""
        code, out, err = self.run(*words)
        assert code == 0, err
        return out

    def json(self, *words: object) -> Any:
        """What it prints with --json."""
        return json.loads(self(*words, "--json"))

    def error(self, *words: object) -> str:
        """Stderr of a run that must fail: a sentence, after warnings if any."""
        code, out, err = self.run(*words)
        assert code == 1, out + err
        *warnings, last = err.splitlines()
        assert last.startswith("error: "), err
        assert all(line.startswith("warning: ") for line in warnings), err
        return err


@pytest.fixture(scope="session")
def rheostat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """`rheostat` with the models `tiny`, `slow` (seconds a picture), `upscaler`, and bad ones.

    Of `damaged` the weights are not those it names; `forged` names them, but they are not the ones
    that rendered its golden picture.
    """
    folder = tmp_path_factory.mktemp("cli")
    write_package(folder / "models", "tiny")
    write_package(folder / "models", "slow", width=128, blocks=12)
    write_upscaler(folder / "models")
    weights = write_package(folder / "models", "damaged", seed=2) / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    forged = write_package(folder / "models", "forged", seed=2)
    shutil.copy(folder / "models" / "tiny" / WEIGHTS, forged)
    seal(forged)
    command = Command(folder)
    yield command
    command("stop")


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[Command]:
    """`rheostat` at home in `tmp_path`, with the model `tiny` and without a daemon."""
    write_package(tmp_path / "models", "tiny")
    command = Command(tmp_path)
    yield command
    (tmp_path / "run").chmod(0o700)
    command("stop")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small RGB picture."""
    return write(tmp_path / "picture.png", noise("rgb8", 24, 31))


def _heed_interrupts() -> None:
    """As in a terminal. What a shell starts in the background, tests too, ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
