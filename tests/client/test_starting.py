"""Connect or start: there is one daemon, or a reason why not."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from client import peer
from client.peer import Peer
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Shutdown
from rheostat_client.rendezvous import (
    DAEMON_LOCK,
    START_LOCK,
    Lock,
    Record,
    claim,
    is_claimed,
    log_file,
    read,
    write,
)

START = [sys.executable, str(Path(peer.__file__))]

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(autouse=True)
def no_daemon_stays(folder: Path) -> Iterator[None]:
    yield
    if is_claimed(folder):
        with Connection.open() as last:
            last.shutdown()


def starts(folder: Path) -> list[int]:
    """Processes that became the daemon."""
    return [int(line) for line in (folder / "starts").read_text().split()]


def refused(start: list[str] | None, timeout: float) -> RheostatError:
    with pytest.raises(RheostatError) as refusal:
        Connection.open(start, timeout=timeout)
    return refusal.value


def program(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def test_without_a_daemon_and_a_way_to_start_one_it_says_so(folder: Path) -> None:
    error = refused(None, timeout=60)
    assert error.code == "no-daemon"
    assert "rheostat serve" in error.remedy
    assert read(folder) is None


def test_a_daemon_is_started_once_and_used_by_all_who_come(folder: Path) -> None:
    with Connection.open(START) as first, Connection.open(START) as second:
        assert first.welcome.instance == second.welcome.instance
    with Connection.open() as third:
        assert third.welcome.pid == starts(folder)[0] != os.getpid()
    assert len(starts(folder)) == 1


def test_clients_that_come_at_the_same_time_start_one_daemon(folder: Path) -> None:
    together = threading.Barrier(4)

    def come(_: int) -> str:
        together.wait()
        with Connection.open(START) as connection:
            return connection.welcome.instance

    with ThreadPoolExecutor(4) as pool:
        instances = list(pool.map(come, range(4)))
    assert len(set(instances)) == 1
    assert len(starts(folder)) == 1


def test_what_a_killed_daemon_left_behind_is_no_obstacle(folder: Path) -> None:
    with Connection.open(START) as connection:
        os.kill(connection.welcome.pid, signal.SIGKILL)
    while is_claimed(folder):
        time.sleep(0.01)
    assert read(folder)  # it had no time to take it back
    with Connection.open(START) as connection:
        assert connection.ping().instance == connection.welcome.instance
    assert len(starts(folder)) == 2


def test_a_dead_record_is_not_believed(folder: Path) -> None:
    write(folder, Record(f"ipc://{folder}/x", f"ipc://{folder}/x", 1, "old", "9", (9, 9)))
    assert refused(None, timeout=60).code == "no-daemon"


def test_a_daemon_on_its_way_up_is_waited_for(folder: Path) -> None:
    lock = claim(folder)

    def come_up() -> None:
        time.sleep(0.2)
        lock.release()
        with Peer(folder) as running:
            while running.count(Shutdown) == 0:
                time.sleep(0.01)

    daemon = threading.Thread(target=come_up)
    daemon.start()
    with Connection.open(START, timeout=60) as connection:
        assert connection.models()
        connection.shutdown()
    daemon.join()


def test_a_daemon_that_never_comes_up_is_told_after_the_timeout(folder: Path) -> None:
    with Lock(folder / DAEMON_LOCK) as lock:
        assert lock.acquire()
        for start in (None, START):
            error = refused(start, timeout=0.2)
            assert error.code == "daemon-start-failed"
            assert "within 0.2 s" in error.message
            assert str(log_file()) in error.remedy
    assert not (folder / "starts").exists()


def test_whoever_starts_it_already_is_waited_for(folder: Path) -> None:
    with Lock(folder / START_LOCK) as lock:
        assert lock.acquire()
        assert refused(START, timeout=0.2).code == "daemon-start-failed"
    assert not (folder / "starts").exists()


def test_a_daemon_that_ends_at_once_is_told_with_its_last_words() -> None:
    error = refused(program("print('no such model folder'); exit(2)"), timeout=60)
    assert error.code == "daemon-start-failed"
    assert "exit status 2" in error.message
    assert error.message.endswith("no such model folder")


def test_a_daemon_that_does_not_come_in_time_is_told_with_what_it_says() -> None:
    error = refused(program("import time; print('busy', flush=True); time.sleep(2)"), timeout=1)
    assert error.code == "daemon-start-failed"
    assert "cannot be reached yet" in error.message
    assert "busy" in error.message


def test_a_failed_start_does_not_spoil_the_next(folder: Path) -> None:
    assert refused(program("exit(1)"), timeout=60).code == "daemon-start-failed"
    with Connection.open(START) as connection:
        assert connection.ping()
    assert len(starts(folder)) == 1
