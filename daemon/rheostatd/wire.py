"""Wire: one lane's socket, and the strict reading of what comes through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import zmq
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.messages import KINDS, MAGIC, MAX_FRAMES, MAX_HEADER, NAMES, Bytes, to_frames
from zmq.utils.monitor import recv_monitor_message

HANDSHAKE = 3_000  # milliseconds for a connection to become one
HEARTBEAT = 30_000  # milliseconds between two signs of life asked of a quiet peer
# A plug-in whose interpreter waits in a dialog cannot answer; only a dead link takes this long.
LIFETIME = 600_000  # milliseconds without one after which a connection is cut
LINGER = 500  # milliseconds for the last words at shutdown


class Envelope(msgspec.Struct, frozen=True):
    """What is read of a header first: its kind, and the job an error would belong to."""

    kind: str
    job: str = ""


@dataclass(frozen=True)
class Received:
    """A multipart as it came. `link` is the connection's descriptor, -1 where it is not told.

    `surplus` counts the frames past the limit; they were not kept.
    """

    peer: bytes
    frames: Sequence[memoryview]
    surplus: int
    link: int


class Lane:
    """A ROUTER with limits, which were set before it was bound."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        kinds: Sequence[type],
        max_frame: int,
        depth: int,
    ) -> None:
        """Messages of `kinds`, in frames of `max_frame` bytes; at most `depth` wait either way."""
        self.socket = context.socket(zmq.ROUTER)
        self._kinds: dict[str, msgspec.msgpack.Decoder[Any]] = {
            NAMES[kind]: msgspec.msgpack.Decoder(kind) for kind in kinds
        }
        for option, value in (
            (zmq.MAXMSGSIZE, max_frame),
            (zmq.RCVHWM, depth),
            (zmq.SNDHWM, depth),
            (zmq.ROUTER_MANDATORY, 1),
            (zmq.ROUTER_HANDOVER, 0),
            (zmq.HANDSHAKE_IVL, HANDSHAKE),
            (zmq.HEARTBEAT_IVL, HEARTBEAT),
            (zmq.HEARTBEAT_TIMEOUT, LIFETIME),
            (zmq.LINGER, LINGER),
        ):
            self.socket.set(option, value)
        self._monitor: zmq.Socket[bytes] | None = None

    def bind(self, endpoint: str) -> str:
        """Listen; returns the endpoint with the port the system chose, if it did."""
        self.socket.bind(endpoint)
        return self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def watch(self) -> zmq.Socket[bytes]:
        """A socket that turns readable when a connection is lost; see `lost`."""
        self._monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        return self._monitor

    def receive(self) -> Received | None:
        """The next multipart, or None; never waits."""
        try:
            first = self.socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        frames: list[memoryview] = []
        surplus = 0
        frame = first
        while frame.more:
            frame = self.socket.recv(copy=False)
            if len(frames) < MAX_FRAMES + 2:
                frames.append(frame.buffer)
            else:
                surplus += 1
        return Received(first.bytes, frames, surplus, _link(frame))

    def send(self, peer: bytes, message: Any, pixels: Sequence[Bytes] = ()) -> bool:
        """Send; False if the peer's queue is full, ConnectionError if there is no such peer.

        `pixels` are not copied and must not change any more.
        """
        try:
            self.socket.send_multipart([peer, *to_frames(message, pixels)], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            raise ConnectionError("the peer is gone") from error
        return True

    def lost(self) -> list[int]:
        """Descriptors of the connections that ended since the last call."""
        found = []
        while self._monitor is not None and self._monitor.poll(0):
            found.append(int(recv_monitor_message(self._monitor)["value"]))
        return found

    def close(self) -> None:
        """Close; what was sent is still delivered for `LINGER` milliseconds."""
        if self._monitor is not None:
            self.socket.disable_monitor()
            self._monitor.close(0)
        self.socket.close()

    def read(self, envelope: Envelope, header: memoryview) -> Any:
        """The message in a header; RheostatError `bad-message` with the path of a bad field."""
        decoder = self._kinds.get(envelope.kind)
        if decoder is None:
            lane = "another lane's" if envelope.kind in KINDS else "unknown"
            raise _bad(
                f"The message kind {envelope.kind[:40]!r} is {lane}.",
                nearest(envelope.kind[:40], self._kinds),
            )
        return _decode(decoder, header, envelope.kind)


def read_envelope(received: Received) -> Envelope:
    """Kind and job of a multipart that keeps the limits; else RheostatError `bad-message`."""
    frames = received.frames
    if received.surplus:
        count = len(frames) + received.surplus
        raise _bad(
            f"The message has {count} frames; the limit is {MAX_FRAMES + 2}.",
            "Send the pixels in several messages.",
        )
    if len(frames) < 2 or frames[0] != MAGIC:
        raise _bad(
            f"The message does not begin with {MAGIC.decode()} and a header.",
            "Connect with a Rheostat client of this version.",
        )
    if len(frames[1]) > MAX_HEADER:
        raise _bad(
            f"The header has {len(frames[1])} bytes; the limit is {MAX_HEADER}.",
            "Send pixels in frames of their own.",
        )
    envelope: Envelope = _decode(_ENVELOPE, frames[1], "a message")
    return envelope


_ENVELOPE = msgspec.msgpack.Decoder(Envelope)


def _decode(decoder: msgspec.msgpack.Decoder[Any], header: memoryview, what: str) -> Any:
    try:
        return decoder.decode(header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _bad(f"The header is not {what}: {error}.", "See docs/protocol.md.") from error


def _link(frame: zmq.Frame) -> int:
    try:
        return int(frame.get(zmq.SRCFD))
    except zmq.ZMQError:
        return -1


def _bad(message: str, remedy: str) -> RheostatError:
    return RheostatError("bad-message", message, remedy)
