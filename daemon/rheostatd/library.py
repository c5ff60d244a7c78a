"""Library: the packages on disk, verified."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rheostat.package import Package, find_packages, read_package
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.models import ModelInfo

log = logging.getLogger(__name__)

PATIENCE = 0.25  # seconds that a list of models waits for new packages to be hashed

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(eq=False)
class _Entry:
    """A folder as it was when its files had the `stamp`, and what came of reading it."""

    stamp: Stamp
    reading: Future[Package]
    flaw: RheostatError | None = None  # what showed when it was used

    @property
    def error(self) -> RheostatError | None:
        error = self.reading.exception()
        assert error is None or isinstance(error, RheostatError)
        return self.flaw or error


class Library:
    """Finds packages and reads those that are new or whose files changed.

    Files are hashed in a thread of their own: only a list of models waits for it, and not long.
    A package that cannot be used is kept with its reason and hurts no other. For any thread.
    """

    def __init__(self, find: Callable[[], Mapping[str, Path]] = find_packages) -> None:
        """Read all that `find` finds."""
        self._find = find
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._reader = ThreadPoolExecutor(1, "library")
        self.refresh(None)

    def refresh(self, patience: float | None = PATIENCE) -> None:
        """Look for packages; wait at most so many seconds until new ones are read."""
        wait(self._look(), patience)

    def infos(self) -> list[ModelInfo]:
        """The models that can be used, by id."""
        with self._lock:
            return [
                entry.reading.result().info
                for _, entry in sorted(self._entries.items())
                if entry.reading.done() and entry.error is None
            ]

    def package(self, name: str) -> Package:
        """The package of a model; RheostatError `unknown-model`, `busy`, or why it has none.

        Never waits: the thread that asks serves others too.
        """
        self._look()
        with self._lock:
            if name not in self._entries:
                raise RheostatError(
                    "unknown-model", f"There is no model {name!r}.", nearest(name, self._entries)
                )
            entry = self._entries[name]
        if not entry.reading.done():
            raise RheostatError(
                "busy", f"The files of model {name} are being checked.", "Try again soon."
            )
        if error := entry.error:
            raise RheostatError(error.code, error.message, error.remedy)
        return entry.reading.result()

    def is_current(self, package: Package) -> bool:
        """Whether the package is still the one on disk."""
        with self._lock:
            return self._of(package) is not None

    def reject(self, package: Package, flaw: RheostatError) -> None:
        """Refuse the package from now on; until its files change."""
        with self._lock:
            entry = self._of(package)
            if entry is not None:
                entry.flaw = flaw

    def report(self) -> list[dict[str, Any]]:
        """For `status`: id, version, state (verified, checking or failed) and, if failed, why."""
        with self._lock:
            return [self._row(name, entry) for name, entry in sorted(self._entries.items())]

    def close(self) -> None:
        """Read no more."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> list[Future[Package]]:
        """Have what is new read; the readings of all packages."""
        folders = self._find()
        with self._lock:
            for gone in self._entries.keys() - folders.keys():
                del self._entries[gone]
            for name, folder in folders.items():
                stamp = _stamp(folder)
                known = self._entries.get(name)
                if known is None or known.stamp != stamp:
                    self._entries[name] = _Entry(stamp, self._reader.submit(_read, folder))
            return [entry.reading for entry in self._entries.values()]

    def _of(self, package: Package) -> _Entry | None:
        def is_it(reading: Future[Package]) -> bool:
            return reading.done() and not reading.exception() and reading.result() is package

        return next((e for e in self._entries.values() if is_it(e.reading)), None)

    @staticmethod
    def _row(name: str, entry: _Entry) -> dict[str, Any]:
        if not entry.reading.done():
            return {"id": name, "version": "", "state": "checking", "reason": ""}
        known = entry.reading.exception() is None
        return {
            "id": name,
            "version": entry.reading.result().info.version if known else "",
            "state": "failed" if entry.error else "verified",
            "reason": str(entry.error or ""),
        }


def _read(folder: Path) -> Package:
    try:
        return read_package(folder)
    except RheostatError as error:
        log.warning("a package cannot be used: %s", error, extra={"model": folder.name})
        raise
    except Exception as error:
        log.exception("a package cannot be read", extra={"model": folder.name})
        what = f"The package {folder.name} cannot be read ({error})."
        raise RheostatError("bad-package", what, "Install it again.") from error


def _stamp(folder: Path) -> Stamp:
    """Changes when a file of the package does."""
    try:
        stats = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    except OSError:  # it is being copied or removed
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
