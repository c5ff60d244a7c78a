"""Hosts with homes of their own: a plug-in is installed there, scenarios run inside the program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
GIMPRC = '(config-version "3.0.4")\n(show-welcome-dialog no)\n'  # both, or a window hides the rest
TIMEOUT = 600  # seconds; a first start looks at all of GIMP's plug-ins


class Gimp:
    """Runs GIMP and the `rheostat` command in the same environment."""

    def __init__(self, home: Path, models: Path) -> None:
        """Use `home`, which may be empty, and the models in the folder `models`."""
        self.models = models
        runtime = home / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.profile = home / ".config" / "GIMP" / "3.0"
        self.plug_in = self.profile / "plug-ins" / "rheostat"
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_RUNTIME_DIR": str(runtime),
            "RHEOSTAT_MODELS": str(models),
        }

    def install(self) -> None:
        """Install the plug-in, with a shortcut for each model."""
        self.rheostat("install", "gimp", "--profile", str(self.profile))
        keys = [
            f'(action "rheostat-{model}" "<Primary><Alt>{number}")'
            for number, model in enumerate(self._models(), start=1)
        ]
        keys.append('(action "rheostat-retune" "<Primary><Alt>0")')
        (self.profile / "shortcutsrc").write_text("\n".join(["(file-version 1)", *keys, ""]))
        (self.profile / "gimprc").write_text(GIMPRC)

    def shortcut(self, model: str) -> str:
        """The keys, as xdotool spells them, that open a model's dialog; `retune` for re-tuning."""
        if model == "retune":
            return "ctrl+alt+0"
        return f"ctrl+alt+{1 + self._models().index(model)}"

    def _models(self) -> list[str]:
        models = json.loads((self.plug_in / "models.json").read_text())
        return [model["id"] for model in models]

    def rheostat(self, *words: str) -> str:
        """What the `rheostat` command prints; AssertionError with its last words if it fails."""
        return _check([sys.executable, "-m", "rheostatd", *words], self.environment)

    def daemon(self) -> int:
        """The process of the running daemon."""
        return int(json.loads(self.rheostat("status", "--json"))["pid"])

    def run(self, scenario: str, *, display: str = "", **arguments: Any) -> Any:
        """What `main(**arguments)` of a scenario returns; with a display, GIMP shows itself on it.

        Raises AssertionError with GIMP's last words if the scenario raises.
        """
        with tempfile.TemporaryDirectory() as folder:
            given, answer = Path(folder) / "arguments.json", Path(folder) / "answer.json"
            given.write_text(json.dumps(arguments))
            code = (
                f"import sys; sys.path.insert(0, {str(TESTS)!r}); from hosts.gimp import runner; "
                f"runner.run({scenario!r}, {str(given)!r}, {str(answer)!r})"
            )
            program = ["gimp", "--no-splash"] if display else ["gimp-console", "-i"]
            batch = ["--batch-interpreter", "python-fu-eval", "-b", code, "--quit"]
            _check([*program, "--new-instance", *batch], {**self.environment, "DISPLAY": display})
            return json.loads(answer.read_text())


class Krita:
    """Krita with the plug-in installed, and the `rheostat` command in the same environment."""

    def __init__(self, home: Path, models: Path) -> None:
        """Use `home`, which may be empty, and the models in the folder `models`."""
        runtime = home / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.resources = home / ".local" / "share" / "krita"
        self.settings = home / ".config" / "kritarc"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("XDG_")},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "RHEOSTAT_MODELS": str(models),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def install(self) -> None:
        """Install the plug-in, and the one that runs scenarios."""
        self.rheostat("install", "krita", "--profile", str(self.resources))
        self.add_harness()

    def add_harness(self) -> None:
        """Install the plug-in that runs scenarios."""
        harness = TESTS / "hosts" / "krita" / "harness"
        shutil.copytree(harness, self.resources / "pykrita", dirs_exist_ok=True)
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        text = self.settings.read_text() if self.settings.exists() else "[python]\n"
        self.settings.write_text(f"{text}enable_harness=true\n")

    def rheostat(self, *words: str) -> str:
        """What the `rheostat` command prints; AssertionError with its last words if it fails."""
        return _check([sys.executable, "-m", "rheostatd", *words], self.environment)

    def daemon(self) -> int:
        """The process of the running daemon."""
        return int(json.loads(self.rheostat("status", "--json"))["pid"])

    def run(self, scenario: str, *, display: str, **arguments: Any) -> Any:
        """What a scenario of tests/hosts/krita returns; AssertionError with Krita's last words."""
        with tempfile.TemporaryDirectory() as folder:
            given, answer = Path(folder) / "arguments.json", Path(folder) / "answer.json"
            given.write_text(json.dumps(arguments))
            words = {
                "DISPLAY": display,
                "HARNESS_TESTS": str(TESTS),
                "HARNESS_SCENARIO": scenario,
                "HARNESS_ARGUMENTS": str(given),
                "HARNESS_ANSWER": str(answer),
            }
            program = ["dbus-run-session", "--", "krita", "--nosplash"]
            _check(program, {**self.environment, **words})
            return json.loads(answer.read_text())


@contextmanager
def virtual_screen(size: str = "1440x900") -> Iterator[str]:
    """A display of its own with a window manager on it."""
    read, write = os.pipe()
    server = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(server, pass_fds=[write], stdout=quiet, stderr=quiet) as screen:
        os.close(write)
        with os.fdopen(read) as number:
            display = f":{number.readline().strip()}"
        environment = {**os.environ, "DISPLAY": display}
        with subprocess.Popen(["openbox"], env=environment, stdout=quiet, stderr=quiet) as manager:
            try:
                yield display
            finally:
                manager.terminate()
                screen.terminate()


def _check(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, "\n".join([done.stdout, done.stderr])[-4000:]
    return done.stdout
