"""Sessions: the daemon as a host's loop sees it. Nothing here waits; what comes is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .connection import Connection, Grey, Region
from .errors import RheostatError
from .previews import Event, Preview
from .texts import _

TICK = 15  # milliseconds between two looks while something is to come
Layer = Grey  # pixels, form, width, height
FORGOTTEN = ("unknown-pixels", "incomplete-pixels", "no-session")
LOST = ("daemon-lost", *FORGOTTEN)


class Loop(Protocol):
    """The event loop of a host program."""

    def soon(self, act: Callable[[], None]) -> None:
        """Call once from the loop; may be asked from any thread."""
        ...

    def repeat(self, milliseconds: int, act: Callable[[], bool]) -> None:
        """Call from the loop every so often, until it gives False."""
        ...


class Session:
    """One layer at the daemon, which is started if need be, and asked for the newest position.

    `tell` hears of pieces, progress, ends, estimates and errors; a str says what is going on
    before that. A RheostatError that it raises, for what it cannot take, ends what was asked.
    After an error the next `ask` tries anew, with a new connection if the daemon has gone. A daemon
    that has forgotten the pixels, or is not the one they were sent to, gets them again unasked.
    """

    def __init__(
        self,
        loop: Loop,
        start: Sequence[str],
        program: str,
        model: str,
        pixels: Layer,
        maps: Mapping[str, Grey],
        tell: Callable[[Event | str], None],
    ) -> None:
        """Send the layer's `pixels` and the `maps` by control id as soon as they are needed.

        `start` are the words that start the daemon, `program` is what it calls this one.
        """
        self._loop, self._start, self._program = loop, start, program
        self._model, self._tell = model, tell
        self._pixels, self._maps = pixels, maps
        self._connection: Connection | None = None
        self._preview: Preview | None = None
        self._hashes: tuple[str, dict[str, str]] | None = None  # once everything is uploaded
        self._is_opening = self._is_closed = False
        self._wanted: dict[str, Any] | None = None
        self._unknown: tuple[str, Region | None] | None = None
        self._sent: tuple[dict[str, Any] | None, tuple[str, Region | None] | None] = (None, None)
        self._is_repeated = False  # what was sent last, for a daemon that had forgotten the pixels
        self._is_ticking = False

    @property
    def device(self) -> str:
        """What the daemon computes on, if it is known."""
        return self._connection.welcome.device if self._connection else ""

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked is still to come."""
        is_asked = self._wanted is not None or self._unknown is not None
        return is_asked or bool(self._preview and self._preview.is_busy)

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
        self._is_repeated = False
        self._go_on()

    def estimate(self, control: str, region: Region | None = None) -> None:
        """Want to know what `control`, which has `auto`, should be: an `Estimated` is told."""
        self._unknown, self._is_repeated = (control, region), False
        self._go_on()

    def send_maps(self, maps: Mapping[str, Grey]) -> None:
        """Have other painted maps from the next `ask` on."""
        self._maps, self._hashes = maps, None

    def cancel(self) -> None:
        """Want nothing any more."""
        self._wanted = self._unknown = None
        self._sent = (None, None)
        if self._preview:
            self._preview.cancel()

    def close(self) -> None:
        """Leave the daemon."""
        self._is_closed = True
        if self._connection and not self._is_opening:
            self._connection.close()

    def _go_on(self) -> None:
        if (self._wanted is None and self._unknown is None) or self._is_opening:
            return
        if self._hashes is None:
            self._is_opening = True
            self._tell("opening")
            work = (self._pixels, self._maps)
            threading.Thread(target=self._open, args=work, daemon=True).start()
            return
        assert self._preview is not None
        hash, maps = self._hashes
        self._sent = self._wanted, self._unknown
        try:
            if self._unknown is not None:
                self._preview.estimate(hash, self._model, *self._unknown)
                self._unknown = None
            if self._wanted is not None:
                self._preview.ask(hash, self._model, maps=maps, **self._wanted)
                self._wanted = None
        except RheostatError as error:
            self._lose(error, is_news=False)
            return
        if not self._is_ticking:
            self._is_ticking = True
            self._loop.repeat(TICK, self._tick)

    def _open(self, pixels: Layer, maps: Mapping[str, Grey]) -> None:
        """In a thread of its own: a daemon takes seconds to start, an upload some of them.

        Meanwhile the connection, which is for one thread, is this one's.
        """
        problem: RheostatError | None = None
        hashes: tuple[str, dict[str, str]] | None = None
        try:
            if self._connection is None:
                self._connection = Connection.open(self._start, self._program)
                self._preview = Preview(self._connection)
            hash = self._connection.upload(*pixels)
            hashes = hash, {name: self._connection.upload(*grey) for name, grey in maps.items()}
        except RheostatError as error:
            problem = error
        except Exception as error:  # nobody else would hear of it, and `_is_opening` would stay
            problem = RheostatError(
                "internal",
                _("The daemon cannot be reached: {reason}.").format(
                    reason=str(error) or type(error).__name__
                ),
                _("Run: rheostat doctor, which looks for the cause."),
            )

        def end() -> None:
            self._hashes = hashes if maps is self._maps else None  # others came meanwhile
            self._opened(problem)

        self._loop.soon(end)

    def _opened(self, problem: RheostatError | None) -> None:
        self._is_opening = False
        if self._is_closed:
            if self._connection:
                self._connection.close()
        elif problem:
            self._lose(problem)
        else:
            self._go_on()

    def _tick(self) -> bool:
        if self._is_opening:
            return True  # what comes of an older preview is taken afterwards
        preview = None if self._is_closed else self._preview
        for event in preview.poll() if preview else ():
            if isinstance(event, RheostatError):
                self._lose(event)
                continue
            try:
                self._tell(event)
            except RheostatError as error:  # it makes no sense, nor does what comes after it
                self.cancel()
                self._tell(error)
                return True  # with the next look the daemon hears of it
        self._is_ticking = preview is not None and preview is self._preview and preview.is_busy
        return self._is_ticking

    def _lose(self, error: RheostatError, is_news: bool = True) -> None:
        """Tell of the error; what the daemon may have forgotten is sent again the next time.

        A daemon that went while nothing was asked of it is no news: the next one gets the pixels.
        """
        if error.code in LOST or self._hashes is None:
            self._hashes = None
            if self._connection:
                self._connection.close()
            self._connection, self._preview = None, None
        is_mended = error.code in FORGOTTEN or not is_news
        if is_mended and any(self._sent) and not self._is_repeated:
            wanted, unknown = self._sent
            self._wanted, self._unknown = self._wanted or wanted, self._unknown or unknown
            self._is_repeated = True
            self._go_on()
            return
        self._wanted = self._unknown = None
        self._tell(error)
