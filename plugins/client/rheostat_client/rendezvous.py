"""Rendezvous: where a daemon and its clients meet.

One folder that only this user can enter holds the lock of the running daemon, the record that says
how to reach it, its sockets and its log. One daemon for each folder.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import RheostatError
from .texts import _

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

DAEMON_LOCK = "daemon.lock"  # held by the daemon for as long as it lives
START_LOCK = "start.lock"  # held by the client that is starting a daemon
RECORD = "daemon.json"
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107  # bytes, the operating system's limit


@dataclass(frozen=True)
class Record:
    """How to reach the running daemon: the content of `daemon.json`.

    front, control  ZeroMQ endpoints
    pid             the daemon's process
    instance        changes with every start of the daemon
    version         the daemon's own
    protocol        [oldest, newest] version it understands
    token           to be repeated in `hello`; empty where the folder alone keeps others out
    """

    front: str
    control: str
    pid: int
    instance: str
    version: str
    protocol: tuple[int, int]
    token: str = ""


class Lock:
    """An exclusive lock on a file, which the kernel frees however its holder ends.

    It also excludes a second Lock of the same process. Use as a context manager once acquired.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; it is made when needed and never deleted."""
        self._path = path
        self._file: int | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Take the lock, trying for `wait` seconds; False if another holder keeps it."""
        deadline = time.monotonic() + wait
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        while not _locked(file):
            if time.monotonic() >= deadline:
                os.close(file)
                return False
            time.sleep(0.02)
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back; closing the file is what frees it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Lock:
        """Itself, acquired before."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release."""
        self.release()


def runtime_folder() -> Path:
    """The folder for this user's daemon, made if needed.

    `$RHEOSTAT_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/rheostat`, else `rheostat-<user>` in the
    temporary folder. Raises RheostatError `unwritable` if others can enter it.
    """
    folder = _folder_name()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry = folder.lstat()
    except OSError as error:
        raise RheostatError(
            "unwritable",
            _("The runtime folder {folder} cannot be made: {reason}.").format(
                folder=folder, reason=error.strerror
            ),
            _("Set RHEOSTAT_RUNTIME_DIR to a folder of yours."),
        ) from error
    if not stat.S_ISDIR(entry.st_mode):
        remedy = _("Remove it, or set RHEOSTAT_RUNTIME_DIR.")
        raise _unsafe(_("The runtime folder {folder} is not a folder."), remedy, folder)
    if sys.platform != "win32":
        if entry.st_uid != os.getuid():
            what = _("The runtime folder {folder} belongs to somebody else.")
            raise _unsafe(what, _("Set RHEOSTAT_RUNTIME_DIR."), folder)
        if entry.st_mode & 0o077:
            what = _("The runtime folder {folder} can be entered by others (mode {mode:o}).")
            remedy = _("Run: chmod 700 {folder}")
            raise _unsafe(what, remedy, folder, mode=stat.S_IMODE(entry.st_mode))
    return folder


def log_file() -> Path:
    """Where the daemon writes what happens: `$RHEOSTAT_LOG`, else in the runtime folder."""
    given = os.environ.get("RHEOSTAT_LOG")
    return Path(given) if given else runtime_folder() / "daemon.log"


def endpoints(folder: Path) -> tuple[str, str]:
    """What the daemon binds its front and control lanes to.

    Sockets in `folder`; on Windows loopback ports of the system's choice, so that the record's
    endpoints are what the sockets report after binding, and its token is needed.
    Raises RheostatError `unwritable` if the path is longer than a socket's may be.
    """
    if sys.platform == "win32":
        return "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"
    front, control = folder / "front.sock", folder / "control.sock"
    length = len(os.fsencode(control))
    if length > MAX_SOCKET_PATH:
        raise RheostatError(
            "unwritable",
            f"The socket path {control} has {length} bytes; the limit is {MAX_SOCKET_PATH}.",
            "Set RHEOSTAT_RUNTIME_DIR to a shorter folder name.",
        )
    return f"ipc://{front}", f"ipc://{control}"


def claim(folder: Path) -> Lock:
    """The daemon's lock on `folder`, acquired; RheostatError `already-running` if it is taken."""
    lock = Lock(folder / DAEMON_LOCK)
    # A client that looks whether a daemon runs holds the lock for an instant.
    if lock.acquire(wait=1.0):
        remove(folder)  # what a daemon that was killed has left
        return lock
    record = read(folder)
    process = f" (process {record.pid})" if record else ""
    raise RheostatError(
        "already-running",
        f"A daemon{process} is already running in {folder}.",
        "Use it, or stop it first: rheostat stop.",
    )


def is_claimed(folder: Path) -> bool:
    """Whether a daemon lives in `folder`, even one that does not answer."""
    lock = Lock(folder / DAEMON_LOCK)
    if not lock.acquire():
        return True
    lock.release()
    return False


def write(folder: Path, record: Record) -> None:
    """Publish the record; the daemon calls it once it can be reached."""
    draft = folder / f"{RECORD}.{os.getpid()}"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump(asdict(record), stream, indent=1)
    draft.replace(folder / RECORD)


def read(folder: Path) -> Record | None:
    """The record, or None if there is none that can be read; its daemon may be dead."""
    try:
        data: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        oldest, newest = data["protocol"]
        return Record(
            front=str(data["front"]),
            control=str(data["control"]),
            pid=int(data["pid"]),
            instance=str(data["instance"]),
            version=str(data["version"]),
            protocol=(int(oldest), int(newest)),
            token=str(data.get("token", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(folder: Path) -> None:
    """Take the record back; the daemon calls it while it still holds the lock."""
    (folder / RECORD).unlink(missing_ok=True)


def _folder_name() -> Path:
    given = os.environ.get("RHEOSTAT_RUNTIME_DIR")
    if given:
        return Path(given).absolute()
    shared = os.environ.get("XDG_RUNTIME_DIR")
    if shared and Path(shared).is_dir():
        return Path(shared) / "rheostat"
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / "rheostat"  # a user's own there
    return Path(tempfile.gettempdir()) / f"rheostat-{os.getuid()}"


def _locked(file: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unsafe(what: str, remedy: str, folder: Path, **more: int) -> RheostatError:
    return RheostatError(
        "unwritable", what.format(folder=folder, **more), remedy.format(folder=folder)
    )
