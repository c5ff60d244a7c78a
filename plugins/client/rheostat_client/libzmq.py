"""A ZeroMQ DEALER by pyzmq, with the manners of `zmtp.Dealer`: it tells when the peer is lost."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from .messages import MAX_FRAME, MAX_FRAMES, Bytes

NEVER = 24 * 3600 * 1000  # ms; forbidding reconnection would throw unread messages away
REFUSED = "nobody listens"
LOSSES: dict[int, str] = {
    zmq.EVENT_CLOSED: REFUSED,
    zmq.EVENT_DISCONNECTED: "the peer closed the connection",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the handshake failed",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the peer refused the handshake",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the peer refused the handshake",
}


class Dealer:
    """One connection to a ROUTER, from which whole messages come and to which they go."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        """Connect and shake hands within `timeout` seconds; errors as in `zmtp.Dealer`."""
        self._error = ""
        self._ready = False
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.RECONNECT_IVL, NEVER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        self._socket.setsockopt(zmq.SNDHWM, 0)  # the callers' credit bounds what is queued
        self._socket.setsockopt(zmq.RCVHWM, MAX_FRAMES)
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket()
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        try:
            self._socket.connect(endpoint)
            self._shake_hands(timeout)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectionError(f"{endpoint} cannot be used: {error.strerror}") from error
        except OSError:
            self.close()
            raise

    def send(self, frames: Sequence[Bytes]) -> None:
        """Queue a message, never blocking. Leave the frames unchanged until the answer has come."""
        if not self._socket.closed:
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=False)

    def receive(self, timeout: float) -> list[Bytes] | None:
        """The next message, or None after `timeout` seconds; ConnectionError once the peer is lost.

        Messages that came before the loss are given out first.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._read_monitor()
            if not self._socket.closed and self._socket.poll(0):
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
                if len(frames) > MAX_FRAMES + 2:
                    self._error = f"a message has more than {MAX_FRAMES + 2} frames"
                    raise ConnectionError(self._error)
                return [frame.buffer for frame in frames]
            if self._error:
                raise ConnectionError(self._error)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._poller.poll(math.ceil(left * 1000))

    def fileno(self) -> int:
        """A descriptor that turns readable; then call `receive(0)` until it gives None.

        It is told of messages only, not of a lost peer, and only once: also call `receive(0)`
        after each `send`.
        """
        return int(self._socket.get(zmq.FD))

    def close(self) -> None:
        """Drop the connection and whatever was not written yet."""
        self._error = self._error or "the connection was closed"
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close(linger=0)
            self._socket.close(linger=0)

    def _shake_hands(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._ready:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no handshake within {timeout:g} s")
            self._monitor.poll(math.ceil(left * 1000))
            self._read_monitor()
            if self._error == REFUSED:
                raise ConnectionRefusedError(self._error)
            if self._error:
                raise ConnectionError(self._error)

    def _read_monitor(self) -> None:
        while not self._socket.closed and self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            self._ready = self._ready or event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._error = self._error or LOSSES.get(event, "")
