"""How the daemon is started by what was installed, outside of a sandbox as well."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rheostat_client import installed
from rheostat_client.launch import Launch

SPAWN = """#!/bin/sh
[ "$1" = --host ] || exit 9
shift
echo "outside: $*" >>"$SPAWNED"
exec "$@"
"""  # what stands in for Flatpak's own program


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What an installation says of the start: a program that ends with status 3."""
    words = [sys.executable, "-c", "raise SystemExit(3)"]
    contents: dict[str, Any] = {"installation.json": {"start": words}}
    monkeypatch.setattr(installed, "_read", contents.__getitem__)
    return words


def test_the_words_are_those_of_the_installation(words: list[str]) -> None:
    assert installed.start_command() == words


@pytest.mark.skipif(sys.platform == "win32", reason="Flatpak is for Linux")
def test_in_a_sandbox_the_daemon_is_started_outside(
    words: list[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()  # its log file goes there
    info, spawn, spawned = (tmp_path / name for name in ("info", "flatpak-spawn", "spawned"))
    info.touch()
    spawn.write_text(SPAWN)
    spawn.chmod(0o755)
    monkeypatch.setattr(installed, "_SANDBOX", info)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SPAWNED", str(spawned))
    launch = Launch(installed.start_command())
    deadline = time.monotonic() + 60
    while not launch.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "exit status 3" in launch.failure().message
    assert spawned.read_text() == f"outside: {' '.join(words)}\n"
