"""The daemon as a process: it comes alone, goes cleanly, and is replaced when it was killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemon.conftest import Daemon
from daemon.visitor import Visitor, photo
from rheostat_client import rendezvous
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Goodbye, Shutdown, Tile

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(runtime: Path, tiny_package: Path, tmp_path: Path) -> Iterator[Start]:
    """`start()` runs one more daemon in `tmp_path`, on one thread, with environment variables."""
    assert runtime.is_dir()
    assert tiny_package.is_dir()
    processes: list[subprocess.Popen[str]] = []

    def run(**environment: str) -> subprocess.Popen[str]:
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "rheostatd", "serve"],
                cwd=tmp_path,
                env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def published(runtime: Path, process: subprocess.Popen[str]) -> rendezvous.Record:
    """The record of `process`, once it is there."""
    while True:
        record = rendezvous.read(runtime)
        if record is not None and record.pid == process.pid:
            return record
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)


def left_in(runtime: Path) -> set[str]:
    return {entry.name for entry in runtime.iterdir()} - {"daemon.lock", "daemon.log"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, Shutdown])
def test_it_goes_cleanly_in_the_middle_of_a_render(
    runtime: Path, start: Start, how: signal.Signals | type[Shutdown]
) -> None:
    process = start()
    with Visitor(published(runtime, process)) as visitor:
        visitor.submit(visitor.upload(photo(3000, 3000, "gray8")))
        while not isinstance(visitor.hear()[0], Tile):
            pass
        if isinstance(how, signal.Signals):
            process.send_signal(how)
        else:
            assert isinstance(visitor.command(how()), Goodbye)
        while not isinstance(visitor.hear()[0], Goodbye):
            pass
    assert process.wait(60) == 0
    assert left_in(runtime) == set()
    assert not rendezvous.is_claimed(runtime)
    log = (runtime / "daemon.log").read_text()
    assert log.rstrip().endswith("stopped")
    assert "Traceback" not in log


def test_a_second_daemon_is_refused_and_the_first_lives_on(runtime: Path, start: Start) -> None:
    first = start()
    record = published(runtime, first)
    second = start()
    _, words = second.communicate(timeout=200)
    assert second.returncode == 1
    assert f"process {first.pid}" in words
    assert rendezvous.read(runtime) == record
    with Visitor(record) as visitor:
        visitor.finds_all_well()
    with pytest.raises(RheostatError) as error:
        rendezvous.claim(runtime)
    assert error.value.code == "already-running"


def test_nobody_starts_another_one_while_torch_is_read_from_disk(
    runtime: Path, start: Start, tmp_path: Path
) -> None:
    slow = "import sys, time; print('reading', file=sys.stderr, flush=True); time.sleep(600)"
    (tmp_path / "torch.py").write_text(slow)
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    errors = start(PYTHONPATH=path).stderr
    assert errors is not None
    assert errors.readline() == "reading\n"
    assert rendezvous.is_claimed(runtime)


def test_what_a_killed_daemon_left_behind_is_no_obstacle(runtime: Path, start: Start) -> None:
    killed = start()
    old = published(runtime, killed)
    killed.kill()
    killed.wait()
    assert {"daemon.json", "front.sock", "control.sock"} <= left_in(runtime)
    new = published(runtime, start())
    assert new.instance != old.instance
    with Visitor(new) as visitor:
        visitor.finds_all_well()


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_it_keeps_no_disk_in_use_but_its_own(
    runtime: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = start(
        RHEOSTAT_RUNTIME_DIR=os.path.relpath(runtime),
        RHEOSTAT_MODELS=os.path.relpath(os.environ["RHEOSTAT_MODELS"]),
        RHEOSTAT_LOG="here.log",
    )
    with Visitor(published(runtime, process)) as visitor:
        visitor.finds_all_well()
    assert Path(f"/proc/{process.pid}/cwd").readlink() == runtime
    assert (tmp_path / "here.log").exists()


def test_a_daemon_that_nobody_can_find_any_more_ends_and_takes_nothing_of_the_next_one(
    daemon: Daemon, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = daemon()
    with Visitor(server.record) as visitor:
        shutil.rmtree(runtime)
        runtime.mkdir(mode=0o700)
        next_one = replace(server.record, instance="another")
        rendezvous.write(runtime, next_one)
        sockets = [runtime / "front.sock", runtime / "control.sock"]
        for path in sockets:
            path.touch()
        monkeypatch.setattr("rheostatd.server.LOOK", 0.05)
        visitor.finds_all_well()
        time.sleep(0.3)
        visitor.finds_all_well()  # whoever is connected is served
    deadline = time.monotonic() + 30
    while not server._context.closed:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    assert rendezvous.read(runtime) == next_one
    assert all(path.exists() for path in sockets)
