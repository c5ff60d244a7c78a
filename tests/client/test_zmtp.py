"""The plain transport against bytes that libzmq would never send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rheostat_client.messages import MAX_FRAME, MAX_FRAMES
from rheostat_client.zmtp import GREETING, Dealer

SOON = 10.0  # seconds; enough on a busy machine, and never waited for
GREETED = GREETING + b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"


@contextmanager
def connected(path: Path, greeting: bytes = GREETED) -> Iterator[tuple[Dealer, socket.socket]]:
    """A Dealer that was greeted like this, and the socket at its other end."""
    peers: list[socket.socket] = []

    def speak() -> None:
        peers.append(listener.accept()[0])
        peers[0].sendall(greeting)
        if greeting != GREETED:
            peers[0].shutdown(socket.SHUT_WR)

    speaker = threading.Thread(target=speak)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        speaker.start()
        try:
            lane = Dealer(f"ipc://{path}", SOON)
        finally:
            speaker.join()
            stack.enter_context(peers[0])
        with closing(lane):
            yield lane, peers[0]


@pytest.mark.parametrize(
    ("speech", "word"),
    [
        (b"", "closed the connection"),
        (GREETING[:63], "closed the connection"),
        (b"\0" + GREETING[1:], "does not speak ZeroMQ"),
        (GREETING[:10] + b"\x02" + GREETING[11:], "speaks ZMTP 2; at least 3 is needed"),
        (GREETING.replace(b"NULL", b"PLAI"), "asks for PLAI security"),
        (GREETING + b"\x04\x0a\x05ERROR\x03bad", "refused the handshake: bad"),
        (GREETING + b"\x00\x01x", "refused the handshake: no reason"),
        (GREETING + b"\x84\x01x", "frame flags 0x84"),
        (GREETING + b"\x06" + (5000).to_bytes(8, "big"), "5000 bytes; the limit is 4096"),
    ],
)
def test_a_handshake_gone_wrong_says_how(tmp_path: Path, speech: bytes, word: str) -> None:
    with pytest.raises(ConnectionError, match=word), connected(tmp_path / "socket", speech):
        pass


@pytest.mark.parametrize(
    ("speech", "word"),
    [
        (b"\x02" + (MAX_FRAME + 1).to_bytes(8, "big"), f"the limit is {MAX_FRAME}"),
        (b"\x02" + b"\xff" * 8, f"the limit is {MAX_FRAME}"),
        (b"\x01\x00" * (MAX_FRAMES + 3), f"more than {MAX_FRAMES + 2} frames"),
        (b"\x00\x05abc", "closed the connection"),
        (b"\x01\x01a", "closed the connection"),
        (b"\x04\x0c\x05ERROR\x05tired", "the peer reports: tired"),
        (b"\x40\x00", "frame flags 0x40"),
    ],
)
def test_a_stream_gone_wrong_ends_after_what_was_right(
    tmp_path: Path, speech: bytes, word: str
) -> None:
    with connected(tmp_path / "socket") as (lane, peer):
        peer.sendall(b"\x01\x02ab\x00\x01c" + speech)
        peer.shutdown(socket.SHUT_WR)
        assert lane.receive(SOON) == [b"ab", b"c"]
        for _ in range(2):
            with pytest.raises(ConnectionError, match=word):
                lane.receive(SOON)


def frame(flags: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | 2,)) + len(body).to_bytes(8, "big") + body


@settings(max_examples=50)
@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=4), st.data())
def test_a_stream_cut_anywhere_is_the_same_messages(
    messages: list[list[bytes]], data: st.DataObject
) -> None:
    stream = bytearray(GREETED)
    for message in messages:
        for number, body in enumerate(message, start=1):
            stream += frame(1 if number < len(message) else 0, body)
            if data.draw(st.booleans()):
                stream += frame(4, b"\x04PING\x00\x00hi")  # allowed between any two frames
    cuts = sorted(data.draw(st.lists(st.integers(len(GREETED), len(stream)), max_size=4)))
    with TemporaryDirectory() as folder, connected(Path(folder, "socket")) as (lane, peer):
        found: list[list[bytes]] = []
        for start, end in zip([len(GREETED), *cuts], [*cuts, len(stream)], strict=True):
            peer.sendall(stream[start:end])
            while (message_now := lane.receive(0)) is not None:
                found.append([bytes(body) for body in message_now])
        assert found == messages
        pongs = peer.recv(1 << 16).count(frame(4, b"\x04PONGhi"))
        assert pongs == stream.count(b"\x04PING\x00\x00hi")
