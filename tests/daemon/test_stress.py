"""A few seconds of the stress test; `python -m benchmarks.stress 30` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError

from benchmarks import stress


def test_programs_that_come_cancel_and_go_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path))
    counts, memory = stress.stress(12)
    assert counts["rendered"] > 0
    assert len(memory) > 1


def test_what_failed_is_told_and_not_that_the_daemon_cannot_be_stopped_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = list[str]()

    def fail(_: Connection) -> None:
        raise AssertionError("jobs are left")

    def stay(daemon: Connection) -> None:
        stopped.append(daemon.welcome.instance)
        raise RheostatError("busy", "It has not stopped.")

    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(stress, "PROGRAMS", 1)
    monkeypatch.setattr(stress, "_wait_until_idle", fail)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "shutdown", stay)
        with pytest.raises(AssertionError, match="jobs are left"):
            stress.stress(0.1)
    with Connection.open() as left:
        left.shutdown()
        assert stopped == [left.welcome.instance]
