"""Session: one client's connection, made by its hello on the front lane."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.messages import Bytes, Hello

MAX_SESSIONS = 64


@dataclass(eq=False)
class Session:
    """A client.

    token    secret name, which ties a control lane to it
    front    identity the ROUTER gave its front lane; control likewise, once it said hello
    link     descriptor of the front connection, -1 where it is not known
    outbox   answers its connection had no room for yet
    """

    token: str
    front: bytes
    link: int
    client: str
    version: str
    control: bytes = b""
    outbox: deque[tuple[Any, Sequence[Bytes]]] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)

    def report(self) -> dict[str, Any]:
        """For `status`: who, and for how many seconds."""
        seconds = round(time.monotonic() - self.since)
        return {"client": self.client, "version": self.version, "seconds": seconds}


class Sessions:
    """Every session, found by its front or control peer, its token or its connection."""

    def __init__(self) -> None:
        """None yet."""
        self._by_token: dict[str, Session] = {}
        self._by_front: dict[bytes, Session] = {}
        self._by_control: dict[bytes, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        """All, the oldest first; may change while iterated."""
        return iter(list(self._by_token.values()))

    def __len__(self) -> int:
        """How many."""
        return len(self._by_token)

    def open(self, front: bytes, link: int, hello: Hello) -> Session:
        """The peer's session, new or known; RheostatError `busy` if there are too many."""
        if front in self._by_front:
            return self._by_front[front]
        if len(self) >= MAX_SESSIONS:
            raise RheostatError(
                "busy",
                f"{len(self)} programs are connected; the limit is {MAX_SESSIONS}.",
                "Close one of them.",
            )
        token = secrets.token_hex(16)
        session = Session(token, front, link, hello.client[:64], hello.version[:64])
        self._by_token[token] = self._by_front[front] = session
        return session

    def tie(self, control: bytes, token: str) -> Session:
        """Make the peer `control` the control lane of the session with `token`."""
        session = self._by_token.get(token)
        if session is None:
            raise RheostatError(
                "no-session",
                "The control lane names no open session.",
                "Say hello on the front lane first, and repeat the session it is given.",
            )
        self._by_control.pop(session.control, None)
        session.control = control
        self._by_control[control] = session
        return session

    def of_front(self, peer: bytes) -> Session | None:
        """The session of a front peer, if it said hello."""
        return self._by_front.get(peer)

    def of_control(self, peer: bytes) -> Session | None:
        """The session of a control peer, if it said hello."""
        return self._by_control.get(peer)

    def of_link(self, link: int) -> Session | None:
        """The session whose front connection has the descriptor `link`."""
        return next((s for s in self._by_token.values() if s.link == link), None)

    def find(self, token: str) -> Session | None:
        """The session with `token`, if it is still open."""
        return self._by_token.get(token)

    def close(self, session: Session) -> None:
        """Forget it."""
        self._by_token.pop(session.token, None)
        self._by_front.pop(session.front, None)
        self._by_control.pop(session.control, None)
