"""A ZeroMQ DEALER in plain Python, for interpreters that cannot load libzmq.

ZMTP 3.0 with the NULL mechanism over tcp:// and ipc://, as written down in RFC 23. Nothing blocks
but `receive`, and that only for as long as it is told to. Not for use by several threads at once.
"""

from __future__ import annotations

import selectors
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Generator, Sequence

from .messages import MAX_FRAME, MAX_FRAMES, Bytes

MORE, LONG, COMMAND = 1, 2, 4  # bits of a frame's first byte
MAX_COMMAND = 4096  # bytes
COALESCE = 4096  # bytes: smaller frames share one write
GREETING = (b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0")).ljust(64, b"\0")
QUIET = getattr(socket, "MSG_NOSIGNAL", 0)  # a host may not ignore SIGPIPE, and would die of it


class Dealer:
    """One connection to a ROUTER, from which whole messages come and to which they go."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        """Connect and shake hands within `timeout` seconds.

        Raises OSError: ConnectionRefusedError or FileNotFoundError if nobody listens, TimeoutError
        if nobody answers, ConnectionError if what answers cannot be talked to.
        """
        deadline = time.monotonic() + timeout
        self._outgoing: deque[memoryview] = deque()
        self._error = ""
        self._socket = _connect(endpoint, timeout)
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._incoming = self._converse()
        self._outgoing.append(memoryview(GREETING))
        try:
            if self.receive(deadline - time.monotonic()) is None:
                raise TimeoutError(f"no handshake within {timeout:g} s")
        except OSError:
            self.close()
            raise

    def send(self, frames: Sequence[Bytes]) -> None:
        """Queue a message and write what the socket takes; `receive` writes the rest.

        The frames are not copied: leave them unchanged until the answer has come.
        """
        small = bytearray()
        for number, frame in enumerate(frames, start=1):
            view = memoryview(frame).cast("B")
            small += _head(MORE if number < len(frames) else 0, len(view))
            if len(view) <= COALESCE:
                small += view
            else:
                self._outgoing += (memoryview(small), view)
                small = bytearray()
        self._outgoing.append(memoryview(small))
        self._flush()

    def receive(self, timeout: float) -> list[Bytes] | None:
        """The next message, or None after `timeout` seconds; ConnectionError once the peer is lost.

        Messages that came before the loss are given out first.
        """
        deadline = time.monotonic() + timeout
        while True:
            message = self._next()
            if message is not None:
                return message
            self._flush()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            writing = selectors.EVENT_WRITE if self._outgoing else 0
            self._selector.modify(self._socket, selectors.EVENT_READ | writing)
            self._selector.select(left)

    def fileno(self) -> int:
        """A descriptor that turns readable; then call `receive(0)` until it gives None."""
        return self._socket.fileno()

    def close(self) -> None:
        """Drop the connection and whatever was not written yet."""
        self._outgoing.clear()
        self._error = self._error or "the connection was closed"
        self._selector.close()
        self._socket.close()

    def _flush(self) -> None:
        while self._outgoing:
            part = self._outgoing.popleft()
            try:
                written = self._socket.send(part, QUIET)
            except BlockingIOError:
                written = 0
            except OSError:
                self._outgoing.clear()  # reading tells why, after the messages still to be read
                return
            if written < len(part):
                self._outgoing.appendleft(part[written:])
                return

    def _next(self) -> list[Bytes] | None:
        if self._error:
            raise ConnectionError(self._error)
        try:
            return next(self._incoming)
        except OSError as error:
            self._error = error.strerror or str(error)
            raise ConnectionError(self._error) from error

    def _converse(self) -> Generator[list[Bytes] | None, None, None]:
        """Read for ever: None where the socket has no more, an empty message after the handshake.

        A generator, so that a half-read frame is continued by the next call.
        """
        _check_greeting((yield from self._read(64)))
        kind = b"DEALER"
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
        self._outgoing.append(memoryview(_head(COMMAND, len(ready)) + ready))
        flags, body = yield from self._read_frame()
        if not (flags & COMMAND and body.startswith(b"\x05READY")):
            reason = bytes(body[7:]).decode("ascii", "replace")
            raise ConnectionError(f"the peer refused the handshake: {reason or 'no reason given'}")
        yield []
        frames: list[Bytes] = []
        while True:
            flags, body = yield from self._read_frame()
            if flags & COMMAND:
                self._obey(body)
                continue
            frames.append(body)
            if not flags & MORE:
                yield frames
                frames = []
            elif len(frames) > MAX_FRAMES + 1:
                raise ConnectionError(f"a message has more than {MAX_FRAMES + 2} frames")

    def _read_frame(self) -> Generator[None, None, tuple[int, bytearray]]:
        head = yield from self._read(2)
        flags, size = head
        if flags & LONG:
            head += yield from self._read(7)
            (size,) = struct.unpack(">Q", head[1:])
        if flags & ~(MORE | LONG | COMMAND):
            raise ConnectionError(f"the peer sent frame flags {flags:#04x}, which do not exist")
        limit = MAX_COMMAND if flags & COMMAND else MAX_FRAME
        if size > limit:
            raise ConnectionError(f"the peer sent a frame of {size} bytes; the limit is {limit}")
        return flags, (yield from self._read(size))

    def _read(self, size: int) -> Generator[None, None, bytearray]:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            try:
                count = self._socket.recv_into(rest)
            except BlockingIOError:
                yield
                continue
            if not count:
                raise ConnectionResetError("the peer closed the connection")
            rest = rest[count:]
        return data

    def _obey(self, command: bytearray) -> None:
        if command.startswith(b"\x04PING"):
            pong = b"\x04PONG" + command[7:]  # without the two bytes of time to live
            self._outgoing.append(memoryview(_head(COMMAND, len(pong)) + pong))
        elif command.startswith(b"\x05ERROR"):
            reason = bytes(command[7:]).decode("ascii", "replace")
            raise ConnectionError(f"the peer reports: {reason}")


def _connect(endpoint: str, timeout: float) -> socket.socket:
    scheme, _, address = endpoint.partition("://")
    if scheme == "tcp":
        host, _, port = address.rpartition(":")
        link = socket.create_connection((host.strip("[]"), int(port)), timeout)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link
    if scheme != "ipc" or sys.platform == "win32":
        raise ConnectionError(f"{scheme}:// cannot be used here")
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(timeout)
    try:
        link.connect(address)
    except OSError:
        link.close()
        raise
    return link


def _check_greeting(greeting: bytearray) -> None:
    if greeting[0] != 0xFF or greeting[9] != 0x7F:
        raise ConnectionError("the peer does not speak ZeroMQ")
    if greeting[10] < 3:
        raise ConnectionError(f"the peer speaks ZMTP {greeting[10]}; at least 3 is needed")
    mechanism = bytes(greeting[12:32]).rstrip(b"\0").decode("ascii", "replace")
    if mechanism != "NULL":
        raise ConnectionError(f"the peer asks for {mechanism} security; only NULL is spoken here")


def _head(flags: int, size: int) -> bytes:
    if size < 256:
        return bytes((flags, size))
    return bytes((flags | LONG,)) + struct.pack(">Q", size)
