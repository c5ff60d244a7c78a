"""Start the daemon so that it outlives the host program that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from .errors import RheostatError
from .rendezvous import log_file
from .texts import _

# What host programs set for themselves and what would break another Python or its libraries.
FOREIGN = {
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "GI_TYPELIB_PATH",
    "BABL_PATH",
    "GEGL_PATH",
}
FOREIGN_PREFIXES = ("GTK_", "GIO_")
MAX_LOG = 1024 * 1024  # bytes, after which a start begins the log anew
LAST_LINES = 10


class Launch:
    """A daemon on its way up, writing to the log file."""

    def __init__(self, command: Sequence[str]) -> None:
        """Run `command`; RheostatError `daemon-start-failed` if there is no such program."""
        self._log = log_file()
        try:
            if self._log.exists() and self._log.stat().st_size > MAX_LOG:
                self._log.unlink()
            with self._log.open("ab") as log:
                self._start = log.tell()
                self._process = _spawn(command, log.fileno())
        except OSError as error:
            raise RheostatError(
                "daemon-start-failed",
                _("The daemon cannot be started: {path}: {reason}.").format(
                    path=error.filename, reason=error.strerror
                ),
                _("Install Rheostat again (`rheostat install`)."),
            ) from error
        # Nobody else waits for the child, and a zombie would look alive.
        threading.Thread(target=self._process.wait, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the process is over."""
        return self._process.returncode is not None

    def failure(self) -> RheostatError:
        """The error for a daemon that ended, or is not to be reached, with its last words."""
        code = self._process.returncode
        what = _("The daemon was started but cannot be reached yet.")
        if code is not None:
            what = _("The daemon was started but ended with exit status {code}.").format(code=code)
        with self._log.open("rb") as log:
            log.seek(self._start)
            words = log.read(MAX_LOG).decode("utf-8", "replace").strip().splitlines()
        return RheostatError(
            "daemon-start-failed",
            "\n".join([what, *words[-LAST_LINES:]]),
            _("Its log is {log}; `rheostat doctor` looks for the cause.").format(log=self._log),
        )


def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what a host program set for itself."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    # No module is to come from the folder the host happens to be in.
    return {**kept, "PYTHONSAFEPATH": "1"}


def _spawn(command: Sequence[str], log: int) -> subprocess.Popen[bytes]:
    detached = 0
    if sys.platform == "win32":
        detached = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=own_environment(os.environ),
        start_new_session=True,
        creationflags=detached,
    )
