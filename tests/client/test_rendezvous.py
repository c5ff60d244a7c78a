"""Rendezvous: one folder for one user, one daemon for one folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rheostat_client.errors import RheostatError
from rheostat_client.rendezvous import (
    DAEMON_LOCK,
    MAX_SOCKET_PATH,
    RECORD,
    Lock,
    Record,
    claim,
    endpoints,
    is_claimed,
    log_file,
    read,
    remove,
    runtime_folder,
    write,
)

HERE = Record("ipc:///f", "ipc:///c", 7, "abc", "0.1.0", (1, 2), "secret")


def test_the_folder_is_made_for_this_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RHEOSTAT_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "rheostat"
    assert runtime_folder().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("shared", ["", "/no/such/folder"])
def test_without_a_runtime_folder_of_the_system_it_is_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    monkeypatch.delenv("RHEOSTAT_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", shared)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert runtime_folder() == tmp_path / f"rheostat-{os.getuid()}"


def test_a_folder_others_can_enter_is_refused(folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(RheostatError, match="mode 750") as refused:
        runtime_folder()
    assert refused.value.code == "unwritable"
    assert f"chmod 700 {folder}" in refused.value.remedy


def test_a_folder_of_somebody_else_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(RheostatError, match="belongs to somebody else"):
        runtime_folder()


def test_a_link_is_no_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(RheostatError, match="is not a folder"):
        runtime_folder()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path / "file" / "run"))
    with pytest.raises(RheostatError, match="file/run cannot be made: Not a directory"):
        runtime_folder()


def test_the_log_is_in_the_folder_or_where_it_is_wanted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_file() == folder / "daemon.log"
    monkeypatch.setenv("RHEOSTAT_LOG", "/somewhere/else.log")
    assert log_file() == Path("/somewhere/else.log")


def test_a_path_too_long_for_a_socket_is_refused_with_both_lengths(tmp_path: Path) -> None:
    longest = "x" * (MAX_SOCKET_PATH - len(f"{tmp_path}//control.sock"))
    assert endpoints(tmp_path / longest)[1].endswith("/control.sock")
    with pytest.raises(RheostatError) as refused:
        endpoints(tmp_path / (longest + "x"))
    assert f"has {MAX_SOCKET_PATH + 1} bytes" in refused.value.message
    assert f"the limit is {MAX_SOCKET_PATH}" in refused.value.message


def test_a_record_survives_the_file(folder: Path) -> None:
    write(folder, HERE)
    assert read(folder) == HERE
    assert (folder / RECORD).stat().st_mode & 0o777 == 0o600
    remove(folder)
    assert read(folder) is None
    remove(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"front": "x"}', '{"protocol": 1}', "\0\xff", "null"]
)
def test_a_damaged_record_is_none(folder: Path, text: str) -> None:
    (folder / RECORD).write_text(text, encoding="latin-1")
    assert read(folder) is None


def test_one_folder_has_one_daemon(folder: Path) -> None:
    assert not is_claimed(folder)
    with claim(folder):
        write(folder, HERE)
        assert is_claimed(folder)
        with pytest.raises(RheostatError, match=r"process 7.* already running") as refused:
            claim(folder)
        assert refused.value.code == "already-running"
    assert not is_claimed(folder)
    with claim(folder):
        assert read(folder) is None  # the former daemon's is gone


def test_the_lock_of_a_killed_process_is_free(folder: Path) -> None:
    hold = (
        "import time; from rheostat_client.rendezvous import claim, runtime_folder\n"
        "lock = claim(runtime_folder()); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert is_claimed(folder)
        holder.kill()
    assert not is_claimed(folder)


def test_whoever_waits_for_a_lock_gets_it_when_it_is_free(folder: Path) -> None:
    held, wanted = Lock(folder / DAEMON_LOCK), Lock(folder / DAEMON_LOCK)
    assert held.acquire()
    assert not wanted.acquire(wait=0.05)
    release = threading.Timer(0.05, held.release)
    release.start()
    with wanted:
        assert wanted.acquire(wait=10)
    release.join()
