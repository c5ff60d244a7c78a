"""`make demo` leaves the user's own daemon alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import demo
import pytest


def test_the_demo_has_a_daemon_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talked = list[tuple[str, str]]()

    def rheostat(command: str, *words: str) -> None:
        talked.append((command, os.environ["RHEOSTAT_RUNTIME_DIR"]))
        if command == "filter":
            shutil.copy(words[1], words[2])

    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", "the user's own")
    monkeypatch.setattr(demo, "REPOSITORY", tmp_path)
    monkeypatch.setattr(demo, "rheostat", rheostat)
    demo.main()
    commands, folders = zip(*talked, strict=True)
    assert commands == ("filter",) * len(demo.POSITIONS) + ("stop",)
    assert len(set(folders)) == 1
    assert folders[0] != "the user's own"
    assert (tmp_path / "demo" / "sheet.png").exists()
