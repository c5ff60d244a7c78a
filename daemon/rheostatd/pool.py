"""Pool: the models, on disk and in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rheostat.nets import Network
from rheostat.package import Package, find_packages, read_package
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.models import ModelInfo

log = logging.getLogger(__name__)

WARM_SIDE = 64  # pixels of the tile a model is tried on before it is called ready

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(eq=False)
class _Entry:
    """A package folder and what is known of it.

    state   verified, loading, warming, ready, evicted or failed
    """

    stamp: Stamp
    package: Package | None = None
    error: RheostatError | None = None
    state: str = "verified"
    network: Network | None = None
    bytes: int = 0
    users: int = 0


class Pool:
    """Reads packages, loads their networks when needed, and keeps the most recently used ones.

    A package that cannot be read or loaded is reported with its reason and hurts no other. `use`
    is for one worker; the rest may be called from any thread.
    """

    def __init__(
        self,
        device: torch.device,
        budget: int,
        find: Callable[[], Mapping[str, Path]] = find_packages,
    ) -> None:
        """Networks in memory take at most `budget` bytes, unless more are in use at once."""
        self._device = device
        self._budget = budget
        self._find = find
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._recent: list[_Entry] = []  # in memory; least recently used first
        self.refresh()

    def refresh(self) -> None:
        """Look for packages; read those that are new or whose files changed."""
        folders = self._find()
        with self._lock:
            for gone in self._entries.keys() - folders.keys():
                self._unload(self._entries.pop(gone), "evicted")
            for name, folder in folders.items():
                stamp = _stamp(folder)
                known = self._entries.get(name)
                if known is None or known.stamp != stamp:
                    if known is not None:
                        self._unload(known, "evicted")
                    self._entries[name] = _read(folder, stamp)

    def infos(self) -> list[ModelInfo]:
        """The models that can be used, by id."""
        with self._lock:
            return [e.package.info for _, e in sorted(self._entries.items()) if e.package]

    def package(self, name: str) -> Package:
        """The package of a model; RheostatError `unknown-model`, or why it cannot be used."""
        self.refresh()
        with self._lock:
            if name not in self._entries:
                raise RheostatError(
                    "unknown-model", f"There is no model {name!r}.", nearest(name, self._entries)
                )
            entry = self._entries[name]
            if entry.error is not None:
                raise RheostatError(entry.error.code, entry.error.message, entry.error.remedy)
            assert entry.package is not None
            return entry.package

    def is_ready(self, package: Package) -> bool:
        """Whether the model is in memory and warm."""
        with self._lock:
            return any(entry.package is package for entry in self._recent)

    @contextmanager
    def use(self, package: Package) -> Iterator[Network]:
        """The network on the device, in memory for as long as the context lasts.

        Raises RheostatError `bad-package`, `damaged-package` or `too-large`.
        """
        with self._lock:
            entry = next((e for e in self._entries.values() if e.package is package), None)
            if entry is None:  # replaced on disk since the job was accepted
                entry = _Entry((), package)
            entry.users += 1
        try:
            network = entry.network or self._load(entry, package)
            with self._lock:
                if entry in self._recent:
                    self._recent.remove(entry)
                self._recent.append(entry)
                self._evict()
            yield network
        finally:
            with self._lock:
                entry.users -= 1
                if entry not in self._entries.values():
                    self._unload(entry, "evicted")

    def rest(self) -> None:
        """Unload every network that nobody uses; it is loaded again when it is needed."""
        with self._lock:
            for entry in [e for e in self._recent if not e.users]:
                self._unload(entry, "evicted")

    def report(self) -> list[dict[str, Any]]:
        """For `status`: id, version, state, bytes in memory and, if it failed, why."""
        with self._lock:
            return [
                {
                    "id": name,
                    "version": entry.package.info.version if entry.package else "",
                    "state": entry.state,
                    "bytes": entry.bytes,
                    "reason": str(entry.error or ""),
                }
                for name, entry in sorted(self._entries.items())
            ]

    def _load(self, entry: _Entry, package: Package) -> Network:
        name = package.info.id
        try:
            entry.state = "loading"
            package.check_golden()
            network = package.load()
            size = sum(t.nbytes for t in (*network.parameters(), *network.buffers()))
            if size > self._budget:
                raise RheostatError(
                    "too-large",
                    f"Model {name} needs {size / 2**20:.1f} MiB in memory; "
                    f"{self._budget / 2**20:.1f} MiB are allowed for models.",
                    "Give the daemon more with `rheostat serve --model-memory`.",
                )
            network = network.to(self._device)
            entry.state = "warming"
            self._warm(network, package)
        except RheostatError as error:
            entry.state, entry.error = "failed", error
            raise
        except Exception as error:
            log.exception("model %s cannot be loaded", name)
            entry.state = "failed"  # but tried again: memory may have been short
            raise RheostatError(
                "bad-package",
                f"Model {name} cannot be loaded ({type(error).__name__}).",
                "Try again; if it stays so, install it again.",
            ) from error
        entry.network, entry.bytes, entry.state = network, size, "ready"
        log.info("model %s %s is ready (%d bytes)", name, package.info.version, size)
        return network

    @torch.inference_mode()
    def _warm(self, network: Network, package: Package) -> None:
        """Run one tile: the first pass compiles and allocates, and shows if the weights work."""
        side = WARM_SIDE + -WARM_SIDE % package.multiple
        x = torch.full((1, 3, side, side), 0.5, device=self._device)
        defaults = {control.id: control.default for control in package.info.controls}
        y = network(x, package.coordinates(defaults).to(self._device)[None])
        wanted = (1, 3, package.scale * side, package.scale * side)
        if y.shape != wanted or not torch.isfinite(y).all():
            raise RheostatError(
                "bad-package",
                f"Model {package.info.id} does not give a picture of numbers back.",
                "Install it again.",
            )

    def _evict(self) -> None:
        held = sum(entry.bytes for entry in self._recent)
        for entry in [e for e in self._recent if not e.users]:
            if held <= self._budget:
                break
            held -= entry.bytes
            self._unload(entry, "evicted")

    def _unload(self, entry: _Entry, state: str) -> None:
        if entry in self._recent:
            self._recent.remove(entry)
            entry.state = state
        entry.network, entry.bytes = None, 0


def _read(folder: Path, stamp: Stamp) -> _Entry:
    try:
        return _Entry(stamp, read_package(folder))
    except RheostatError as error:
        log.warning("package %s: %s", folder.name, error)
        return _Entry(stamp, error=error, state="failed")
    except Exception as error:
        log.exception("package %s cannot be read", folder.name)
        what = f"The package {folder.name} cannot be read ({error})."
        bad = RheostatError("bad-package", what, "Install it again.")
        return _Entry(stamp, error=bad, state="failed")


def _stamp(folder: Path) -> Stamp:
    """Changes when a file of the package does."""
    try:
        stats = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    except OSError:  # it is being copied or removed
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
