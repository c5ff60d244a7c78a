"""Launch: the daemon is a program of its own, whatever the host's surroundings are."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from rheostat_client.errors import RheostatError
from rheostat_client.launch import LAST_LINES, MAX_LOG, Launch
from rheostat_client.rendezvous import log_file

TELL = """
import json, os, sys
json.dump([dict(os.environ), os.getsid(0) == os.getpid(), sys.stdin.read(), sys.path], sys.stdout)
"""


def finish(launch: Launch) -> None:
    deadline = time.monotonic() + 30
    while not launch.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("folder")
def test_the_daemon_gets_none_of_what_the_host_set_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = ("PYTHONPATH", "GI_TYPELIB_PATH", "GTK_PATH", "GIO_EXTRA_MODULES", "BABL_PATH")
    for name in (*foreign, "GEGL_PATH", "LD_LIBRARY_PATH", "RHEOSTAT_MODELS"):
        monkeypatch.setenv(name, "/host")
    finish(Launch([sys.executable, "-c", TELL]))
    environment, leads_its_session, typed, path = json.loads(log_file().read_text())
    assert [name for name, value in environment.items() if value == "/host"] == ["RHEOSTAT_MODELS"]
    assert environment["HOME"] == os.environ["HOME"]
    assert leads_its_session
    assert typed == ""
    assert not {"", str(Path.cwd())} & set(path)


@pytest.mark.usefixtures("folder")
def test_a_failure_tells_the_last_words_of_this_start_only() -> None:
    log_file().write_text("from yesterday\n")
    launch = Launch([sys.executable, "-c", "for n in range(20): print('line', n)\nexit(3)"])
    finish(launch)
    failure = launch.failure()
    assert failure.code == "daemon-start-failed"
    assert "exit status 3" in failure.message
    assert failure.message.splitlines()[1:] == [f"line {n}" for n in range(20 - LAST_LINES, 20)]
    assert str(log_file()) in failure.remedy
    assert log_file().read_text().startswith("from yesterday")


@pytest.mark.usefixtures("folder")
def test_a_long_log_is_begun_anew() -> None:
    log_file().write_bytes(bytes(MAX_LOG + 1))
    finish(Launch([sys.executable, "-c", "print('hello')"]))
    assert log_file().read_text() == "hello\n"


@pytest.mark.usefixtures("folder")
def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(RheostatError, match="/no/such/python: No such file") as refused:
        Launch(["/no/such/python", "-m", "rheostatd"])
    assert refused.value.code == "daemon-start-failed"


def test_a_log_that_cannot_be_written_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHEOSTAT_LOG", str(folder))
    with pytest.raises(RheostatError, match=f"{folder}: Is a directory"):
        Launch([sys.executable, "-c", ""])
