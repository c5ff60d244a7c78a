"""Pool: the networks in a device's memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rheostat.nets import Network
from rheostat.package import Package
from rheostat_client.errors import RheostatError

from .library import Library
from .renderer import Renderer, size_of

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Place:
    """A model and what of it is in memory.

    state   loading, warming, ready, evicted or failed
    """

    package: Package
    state: str = "loading"
    network: Network | None = None
    bytes: int = 0
    users: int = 0


class Pool:
    """Loads networks when they are needed, and keeps the most recently used ones.

    `use` is for one worker; the rest may be called from any thread.
    """

    def __init__(self, library: Library, renderer: Renderer, budget: int) -> None:
        """Networks on the renderer's device take at most `budget` bytes, unless more are in use."""
        self._library = library
        self._renderer = renderer
        self._budget = budget
        self._lock = threading.RLock()
        self._places: list[_Place] = []  # least recently used first

    def is_ready(self, package: Package) -> bool:
        """Whether the model is in memory and warm."""
        with self._lock:
            return any(place.network for place in self._places if place.package is package)

    @contextmanager
    def use(self, package: Package) -> Iterator[Network]:
        """The network on the device, in memory for as long as the context lasts.

        Raises RheostatError `bad-package`, `damaged-package` or `too-large`.
        """
        with self._lock:
            place = next((p for p in self._places if p.package is package), _Place(package))
            if place in self._places:
                self._places.remove(place)
            self._places.append(place)
            place.users += 1
        try:
            network = place.network or self._load(place)
            self._evict()
            yield network
        finally:
            with self._lock:
                place.users -= 1
            self._evict()

    def rest(self) -> None:
        """Unload every network that nobody uses; it is loaded again when it is needed."""
        with self._lock:
            for place in self._places:
                self._unload(place)

    def states(self) -> dict[str, tuple[str, int]]:
        """State and bytes in memory by the id of models that were used."""
        with self._lock:
            return {p.package.info.id: (p.state, p.bytes) for p in self._places}

    def _load(self, place: _Place) -> Network:
        package, name = place.package, place.package.info.id
        try:
            place.state = "loading"
            package.check_golden()
            network = package.load()
            size = size_of(network)
            if size > self._budget:
                raise RheostatError(
                    "too-large",
                    f"Model {name} needs {size / 2**20:.1f} MiB in memory; "
                    f"{self._budget / 2**20:.1f} MiB are allowed for models, half of what "
                    "--model-memory says.",
                    "Give the daemon more with `rheostat serve --model-memory`.",
                )
            network = network.to(self._renderer.device)
            place.state = "warming"
            self._renderer.warm(network, package)
        except RheostatError as error:
            place.state = "failed"
            self._library.reject(package, error)
            raise
        except Exception as error:
            log.exception("a model cannot be loaded", extra={"model": name})
            place.state = "failed"  # but tried again: memory may have been short
            raise RheostatError(
                "bad-package",
                f"Model {name} cannot be loaded ({type(error).__name__}).",
                "Try again; if it stays so, install it again.",
            ) from error
        place.network, place.bytes, place.state = network, size, "ready"
        log.info("ready", extra={"model": name, "version": package.info.version, "bytes": size})
        return network

    def _evict(self) -> None:
        """Unload what is over the budget, and forget what was replaced on disk."""
        with self._lock:
            current = [p for p in self._places if p.users or self._library.is_current(p.package)]
            for gone in set(self._places) - set(current):
                self._unload(gone)
            self._places = current
            held = sum(place.bytes for place in current)
            for place in [p for p in current if p.network and not p.users]:
                if held <= self._budget:
                    break
                held -= place.bytes
                self._unload(place)

    def _unload(self, place: _Place) -> None:
        if place.network is not None and not place.users:
            self._renderer.forget(place.package)
            place.network, place.bytes, place.state = None, 0, "evicted"
