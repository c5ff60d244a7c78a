"""Session: the daemon as GIMP's loop sees it. Nothing here waits; what comes is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gi.repository import GLib
from layers import Pixels
from rheostat_client.connection import Connection, Region
from rheostat_client.errors import RheostatError
from rheostat_client.previews import Event, Preview

TICK = 15  # milliseconds between two looks while something is to come
LOST = ("daemon-lost", "unknown-pixels", "incomplete-pixels", "no-session")


class Session:
    """One layer at the daemon, which is started if need be, and asked for the newest position.

    `tell` hears of pieces, progress, ends and errors; a str says what is going on before that.
    After an error the next `ask` tries anew, with a new connection if the daemon has gone.
    """

    def __init__(
        self,
        start: Sequence[str],
        model: str,
        pixels: Pixels,
        maps: Mapping[str, Pixels],
        tell: Callable[[Event | str], None],
    ) -> None:
        """Send the layer's `pixels` and the `maps` by control id as soon as there is a daemon."""
        self._start, self._model, self._tell = start, model, tell
        self._pixels, self._maps = pixels, maps
        self._connection: Connection | None = None
        self._preview: Preview | None = None
        self._hashes: tuple[str, dict[str, str]] | None = None  # once everything is uploaded
        self._is_opening = self._is_closed = False
        self._wanted: dict[str, Any] | None = None
        self._timer = 0

    @property
    def device(self) -> str:
        """What the daemon computes on, if it is known."""
        return self._connection.welcome.device if self._connection else ""

    def ask(
        self,
        controls: Mapping[str, float],
        region: Region | None,
        focus: Region | None,
        purpose: str,
    ) -> None:
        """Want this position from now on."""
        self._wanted = {
            "controls": dict(controls),
            "region": region,
            "focus": focus,
            "purpose": purpose,
        }
        self._go_on()

    def send_maps(self, maps: Mapping[str, Pixels]) -> None:
        """Have other painted maps from the next `ask` on."""
        self._maps, self._hashes = maps, None

    def cancel(self) -> None:
        """Want nothing any more."""
        self._wanted = None
        if self._preview and self._preview.is_busy:
            try:
                self._preview.cancel()
            except RheostatError as error:
                self._lose(error)

    def close(self) -> None:
        """Leave the daemon."""
        self._is_closed = True
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        if self._connection and not self._is_opening:
            self._connection.close()

    def _go_on(self) -> None:
        if self._wanted is None or self._is_opening:
            return
        if self._hashes is None:
            self._is_opening = True
            self._tell("opening")
            threading.Thread(target=self._open, daemon=True).start()
            return
        assert self._preview is not None
        wanted, self._wanted = self._wanted, None
        hash, maps = self._hashes
        try:
            self._preview.ask(hash, self._model, maps=maps, **wanted)
        except RheostatError as error:
            self._wanted = wanted
            self._lose(error)
            return
        self._tick()
        if not self._timer:
            self._timer = GLib.timeout_add(TICK, self._tick)

    def _open(self) -> None:
        """In a thread of its own: a daemon takes seconds to start, an upload some of them."""
        problem: RheostatError | None = None
        try:
            if self._connection is None:
                self._connection = Connection.open(start=self._start, name="GIMP")
                self._preview = Preview(self._connection)
            hash = self._connection.upload(*self._pixels)
            maps = {name: self._connection.upload(*grey) for name, grey in self._maps.items()}
            self._hashes = hash, maps
        except RheostatError as error:
            problem = error
        GLib.idle_add(self._opened, problem)

    def _opened(self, problem: RheostatError | None) -> bool:
        self._is_opening = False
        if self._is_closed:
            if self._connection:
                self._connection.close()
        elif problem:
            self._lose(problem)
        else:
            self._go_on()
        return False

    def _tick(self) -> bool:
        preview = self._preview
        if preview is None:
            self._timer = 0
            return False
        for event in preview.poll():
            if isinstance(event, RheostatError):
                self._lose(event)
                break
            self._tell(event)
        if self._preview and self._preview.is_busy:
            return True
        self._timer = 0
        return False

    def _lose(self, error: RheostatError) -> None:
        """Tell of the error; what the daemon may have forgotten is sent again the next time."""
        if error.code in LOST or self._hashes is None:
            self._hashes = None
            if self._connection:
                self._connection.close()
            self._connection, self._preview = None, None
        self._tell(error)
