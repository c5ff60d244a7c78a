"""A lane that speaks messages, and the pulse of the daemon at its other end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import RheostatError, unreadable
from .messages import Bytes, Goodbye, Ping, from_frames, to_frames
from .rendezvous import log_file
from .texts import _
from .transport import Lane


class Answer(NamedTuple):
    """A message from the daemon and the pixel frames it came with."""

    message: Any
    pixels: list[Bytes]


class Channel:
    """Sends and receives messages; a lost daemon and an unreadable answer become RheostatErrors."""

    def __init__(self, lane: Lane, pid: int) -> None:
        """Speak over `lane` with the daemon of process `pid`."""
        self._lane = lane
        self._pid = pid

    def send(self, message: Any, pixels: Sequence[Bytes] = ()) -> None:
        """Queue a message with its pixel frames, without blocking or copying pixels."""
        self._lane.send(to_frames(message, pixels))

    def receive(self, timeout: float) -> Answer | None:
        """The next message, or None after `timeout` seconds.

        Raises RheostatError `daemon-lost` or `bad-message`.
        """
        try:
            frames = self._lane.receive(timeout)
        except ConnectionError as error:
            raise lost(self._pid, _("is gone: {reason}").format(reason=error)) from error
        if frames is None:
            return None
        try:
            answer = Answer(*from_frames(frames))
        except ValueError as error:
            raise unreadable(str(error)) from error
        if isinstance(answer.message, Goodbye):
            reason = answer.message.reason.rstrip(".")
            words = _("has left: {reason}")
            raise lost(self._pid, words.format(reason=reason or _("it was stopped")))
        return answer

    def fileno(self) -> int:
        """A descriptor that turns readable; then call `receive(0)` until it gives None."""
        return self._lane.fileno()

    def close(self) -> None:
        """Drop the connection."""
        self._lane.close()


class Pulse:
    """Tells a daemon that works from one that is frozen, by pings on the control lane.

    Unanswered pings are counted instead of seconds: if this very process was stopped for a while,
    that is no fault of the daemon's.
    """

    INTERVAL = 1.0  # seconds between pings while waiting
    PATIENCE = 8  # unanswered pings after which the daemon is given up

    def __init__(self, control: Channel, pid: int) -> None:
        """Watch the daemon of process `pid` through its control lane."""
        self._control = control
        self._pid = pid
        self.beat()

    def beat(self) -> None:
        """Note a sign of life."""
        self._unanswered = 0
        self._asked = time.monotonic()

    def check(self) -> None:
        """To be called often while waiting; RheostatError `daemon-lost` for a frozen daemon."""
        while self._control.receive(0):
            self.beat()
        if time.monotonic() - self._asked < self.INTERVAL:
            return
        if self._unanswered >= self.PATIENCE:
            raise mute(self._pid, self.PATIENCE * self.INTERVAL)
        self._control.send(Ping())
        self._unanswered += 1
        self._asked = time.monotonic()


def lost(pid: int, what: str) -> RheostatError:
    """The error for a daemon that is no more."""
    return RheostatError(
        "daemon-lost",
        _("The daemon (process {pid}) {what}.").format(pid=pid, what=what),
        _("Try again: it is started anew. Its log is {log}.").format(log=log_file()),
    )


def mute(pid: int, seconds: float) -> RheostatError:
    """The error for a daemon that is there and does not answer."""
    return RheostatError(
        "daemon-lost",
        _("The daemon (process {pid}) has not answered for {seconds:g} s.").format(
            pid=pid, seconds=seconds
        ),
        _("If it stays like this, end process {pid} and try again. Its log is {log}.").format(
            pid=pid, log=log_file()
        ),
    )
