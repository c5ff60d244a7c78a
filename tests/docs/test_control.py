"""The comparison's runs are shared out, and timed when they are over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.control.run import Run, claim

RUNS = [Run("noise", "specialist", at) for at in (0.0, 0.5, 1.0)]


def test_a_run_is_claimed_once_and_a_mark_that_was_left_behind_claims_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / f"{RUNS[0].name}.claim").write_text("1")  # the number of a process that lives
    ours, theirs = claim(tmp_path, RUNS), claim(tmp_path, RUNS)
    assert [next(ours), next(theirs)] == RUNS[:2]
    (tmp_path / f"{RUNS[0].name}.json").touch()
    assert next(ours) == RUNS[2]
    assert list(theirs) == []
    assert list(ours) == []
    assert list(claim(tmp_path, RUNS)) == RUNS[1:]


def test_on_a_gpu_the_clock_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.control import report

    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: events.append("over"))
    report._race(lambda: events.append("run"))
    assert events == ["run", "over"] * report.ROUNDS
