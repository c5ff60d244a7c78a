"""A few seconds of the stress test; `python -m benchmarks.stress 30` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import stress


def test_programs_that_come_cancel_and_go_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path))
    counts, memory = stress.stress(12)
    assert counts["rendered"] > 0
    assert len(memory) > 1
