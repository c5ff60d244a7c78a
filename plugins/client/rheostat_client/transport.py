"""How messages reach the daemon: by pyzmq where it can be imported, else by plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .messages import Bytes


class Lane(Protocol):
    """A connected DEALER: `zmtp.Dealer` or `libzmq.Dealer`, which behave alike."""

    def send(self, frames: Sequence[Bytes]) -> None:
        """Queue a message without blocking or copying."""

    def receive(self, timeout: float) -> list[Bytes] | None:
        """The next message, None after `timeout` seconds, ConnectionError once the peer is lost."""

    def fileno(self) -> int:
        """A descriptor that turns readable; then call `receive(0)` until it gives None."""

    def close(self) -> None:
        """Drop the connection."""


def connect(endpoint: str, timeout: float) -> Lane:
    """A lane to `endpoint` (tcp:// or ipc://), shaken hands with; OSError if that fails."""
    try:
        from .libzmq import Dealer
    except ImportError:  # no pyzmq, or one built for another interpreter
        from .zmtp import Dealer as PlainDealer

        return PlainDealer(endpoint, timeout)
    return Dealer(endpoint, timeout)
