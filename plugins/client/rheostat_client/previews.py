"""Previews: the newest slider position on its way to the screen, without anybody waiting for it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from .connection import Connection, Region
from .errors import RheostatError
from .exchange import BUSY, POLL
from .messages import Bytes, Done, Error, Estimate, Estimated, Progress, Render, Tile

PATIENCE = 0.25  # seconds after which a newer position no longer waits for the focus to be shown
REPLACED = ("overtaken", "cancelled")  # how jobs end that nobody wants any more


@dataclass(frozen=True)
class Piece:
    """A finished rectangle, in the result's pixels."""

    x: int
    y: int
    width: int
    height: int
    format: str
    pixels: bytes


@dataclass(frozen=True)
class Finished:
    """All pieces of the newest position were given."""

    settings: str
    milliseconds: float
    device: str


Event = Union[Piece, Progress, Finished, Estimated, RheostatError]


class Preview:
    """Renders of one picture, of which only the newest counts; for the loop of a host program.

    Call `poll` when the connection's `fileno` is readable, after every `ask`, and every 0.1 s or
    so. Where a hand never leaves the slider, each position still shows its focus before the next
    one is begun, so that the middle of the picture follows.
    """

    def __init__(self, connection: Connection, key: str = "preview") -> None:
        """Ask over `connection`; `key` tells this preview from others of the same program."""
        self._connection = connection
        self._key = key
        self._job: Render | None = None  # in flight
        self._stopped = ""  # one that nobody wants any more, of which the daemon is still to hear
        self._begun = 0.0
        self._missing = 0  # pixels of the focus that did not come yet
        self._focus: Region | None = None
        self._waiting: Render | None = None
        self._estimate: Estimate | None = None  # in flight
        self._refused: set[str] = set()  # jobs that the daemon was too busy to take
        self._again = self._deadline = 0.0  # when they are sent again, and no more

    @property
    def is_busy(self) -> bool:
        """Whether something is still to come."""
        return bool(self._job or self._waiting or self._estimate)

    def ask(
        self,
        hash: str,
        model: str,
        controls: Mapping[str, float],
        *,
        region: Region | None = None,
        focus: Region | None = None,
        maps: Mapping[str, str] | None = None,
        purpose: str = "preview",
    ) -> None:
        """Want this position from now on. `hash` and `maps` name uploaded pictures.

        `focus` (x, y, width, height) is rendered first. Raises RheostatError `daemon-lost`, after
        which the pictures need to be uploaded again.
        """
        self._waiting = Render(
            uuid.uuid4().hex,
            model,
            hash,
            dict(controls),
            region,
            purpose,
            self._key,
            dict(maps or {}),
            focus,
        )
        self._deadline = time.monotonic() + BUSY
        self._submit()

    def estimate(self, hash: str, model: str, control: str, region: Region | None = None) -> None:
        """Want to know what `control` should be for an uploaded picture: an `Estimated` comes."""
        self._estimate = Estimate(uuid.uuid4().hex, model, hash, control, region)
        self._deadline = time.monotonic() + BUSY
        self._connection.submit(self._estimate)

    def cancel(self) -> None:
        """Want nothing any more. Sends nothing: the daemon hears of it from the next `poll`."""
        self._waiting = self._estimate = None
        if self._job:
            self._stopped, self._job = self._job.job, None

    def poll(self) -> list[Event]:
        """What came of the newest position since the last call, in order; never waits.

        What the daemon is too busy to take is sent again for a while.
        After a RheostatError nothing more comes until the next `ask`; after `daemon-lost` that
        needs the pictures uploaded again.
        """
        events: list[Event] = []
        try:
            while answer := self._connection.receive(0):
                message = answer.message
                if self._is_refused(message):
                    self._refused.add(message.job)
                    self._again = time.monotonic() + POLL
                elif self._estimate and message.job == self._estimate.job:
                    events += self._estimated(message)
                elif self._job and message.job == self._job.job:
                    events += self._event(message, answer.pixels)
            self._repeat()
            self._submit()
        except RheostatError as error:
            self._job = self._waiting = self._estimate = None
            events.append(error)
        return events

    def _event(self, message: object, pixels: Sequence[Bytes]) -> list[Event]:
        if isinstance(message, Tile):
            self._missing -= _common(message, self._focus, message.scale)
            box = (message.x, message.y, message.width, message.height)
            return [Piece(*box, message.format, b"".join(bytes(part) for part in pixels))]
        if isinstance(message, Done):
            self._job = None
            return [Finished(message.settings, message.milliseconds, message.device)]
        if isinstance(message, Error):
            self._job = None
            return [] if message.code in REPLACED else [message.exception()]
        return [message] if isinstance(message, Progress) else []

    def _estimated(self, message: object) -> list[Event]:
        if isinstance(message, Progress):
            return []
        self._estimate = None
        if isinstance(message, Error):
            return [message.exception()]
        return [message] if isinstance(message, Estimated) else []

    def _is_refused(self, message: object) -> bool:
        is_busy = isinstance(message, Error) and message.code == "busy"
        return is_busy and time.monotonic() < self._deadline

    def _repeat(self) -> None:
        """Send again what was refused and is still wanted."""
        if not self._refused or time.monotonic() < self._again:
            return
        for request in (self._job, self._estimate):
            if request and request.job in self._refused:
                self._connection.submit(request)
        self._refused.clear()

    def _submit(self) -> None:
        """Begin what waits: a preview once the one in flight has been seen, all else at once."""
        if self._stopped:
            self._connection.abandon(self._stopped)
            self._stopped = ""
        if self._waiting is None:
            return
        late = time.monotonic() > self._begun + PATIENCE
        if self._job and self._missing > 0 and not late and self._waiting.purpose == "preview":
            return
        request, self._waiting = self._waiting, None
        if self._job and request.purpose != "preview":
            self._connection.abandon(self._job.job)
        self._focus = request.focus
        self._missing = request.focus[2] * request.focus[3] if request.focus else 0
        self._job, self._begun = request, time.monotonic()
        self._connection.submit(request)  # the daemon drops the older one of the same key


def _common(tile: Tile, focus: Region | None, scale: int) -> int:
    """Pixels of the picture that a tile of the result and the focus have in common."""
    if focus is None:
        return 0
    x, y, width, height = (scale * number for number in focus)
    across = min(tile.x + tile.width, x + width) - max(tile.x, x)
    down = min(tile.y + tile.height, y + height) - max(tile.y, y)
    return max(0, across) * max(0, down) // scale**2
