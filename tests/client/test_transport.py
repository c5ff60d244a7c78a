"""Both transports, held to the same manners, against libzmq and against what is not ZeroMQ."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import zmq
from rheostat_client.messages import MAX_FRAME, MAX_FRAMES
from rheostat_client.transport import Lane, connect

pytestmark = pytest.mark.usefixtures("transport")

SOON = 10.0  # seconds; enough on a busy machine, and never waited for


class Echo(threading.Thread):
    """A ROUTER that sends everything back, and misbehaves when told to."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 50)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5000)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def run(self) -> None:
        word = b""
        while word != b"leave":
            sender, *frames = self.socket.recv_multipart()
            word = frames[0]
            if word == b"too big":
                frames = [bytes(MAX_FRAME + 1)]
            elif word == b"too many":
                frames = [b""] * (MAX_FRAMES + 3)
            self.socket.send_multipart([sender, *frames])
        self.socket.close()
        self._context.term()


@pytest.fixture(params=["ipc", "tcp"])
def echo(request: pytest.FixtureRequest, folder: Path) -> Iterator[Echo]:
    tcp = request.param == "tcp"
    echo = Echo("tcp://127.0.0.1:*" if tcp else f"ipc://{folder}/echo")
    echo.start()
    yield echo
    if echo.is_alive():
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        with context, context.socket(zmq.DEALER) as last:
            last.connect(echo.endpoint)
            last.send(b"leave")
            echo.join()


@pytest.fixture
def lane(echo: Echo) -> Iterator[Lane]:
    with closing(connect(echo.endpoint, SOON)) as lane:
        yield lane


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A TCP port behind which there is no ZeroMQ."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def url(listener: socket.socket) -> str:
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def received(lane: Lane) -> list[bytes]:
    frames = lane.receive(SOON)
    assert frames is not None
    return [bytes(frame) for frame in frames]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 4096, 4097, 100_000, MAX_FRAME])
def test_a_message_arrives_as_it_was_sent(lane: Lane, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    lane.send([b"head", memoryview(body)[:size], b""])
    assert received(lane) == [b"head", body[:size], b""]


def test_messages_keep_their_order(lane: Lane) -> None:
    for number in range(200):
        lane.send([b"%d" % number])
    assert [received(lane) for _ in range(200)] == [[b"%d" % n] for n in range(200)]


def test_sending_more_than_the_sockets_hold_does_not_block(lane: Lane) -> None:
    for number in range(12):
        lane.send([b"%d" % number, bytes(MAX_FRAME)])
    for number in range(12):
        assert received(lane) == [b"%d" % number, bytes(MAX_FRAME)]


def test_nothing_to_receive_is_none(lane: Lane) -> None:
    assert lane.receive(0) is None
    assert lane.receive(0.02) is None


def test_the_descriptor_tells_of_a_message(lane: Lane) -> None:
    assert lane.receive(0) is None
    lane.send([b"wake up"])
    frames = lane.receive(0)
    while frames is None:
        assert select.select([lane.fileno()], [], [], SOON)[0]
        frames = lane.receive(0)
    assert [bytes(frame) for frame in frames] == [b"wake up"]


def test_the_peers_heartbeats_are_no_messages(lane: Lane) -> None:
    assert lane.receive(0.3) is None
    lane.send([b"still here"])
    assert received(lane) == [b"still here"]


def test_what_came_before_the_loss_is_given_out_first(lane: Lane, echo: Echo) -> None:
    lane.send([b"one"])
    lane.send([b"leave"])
    echo.join()
    assert received(lane) == [b"one"]
    assert received(lane) == [b"leave"]
    for _ in range(2):  # and it stays lost
        with pytest.raises(ConnectionError, match="closed"):
            lane.receive(SOON)
    lane.send([b"into the void"])
    with pytest.raises(ConnectionError, match="closed"):
        lane.receive(0)


def test_a_closed_lane_says_so(lane: Lane) -> None:
    lane.close()
    lane.close()
    lane.send([b"into the void"])
    with pytest.raises(ConnectionError, match="was closed"):
        lane.receive(SOON)


@pytest.mark.parametrize("word", [b"too big", b"too many"])
def test_what_passes_the_limits_ends_the_lane(lane: Lane, word: bytes) -> None:
    lane.send([word])
    for _ in range(2):
        with pytest.raises(ConnectionError):
            lane.receive(SOON)


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_where_nobody_listens_it_is_refused_at_once(
    kind: str, folder: Path, listener: socket.socket
) -> None:
    endpoint = f"ipc://{folder}/nobody" if kind == "ipc" else url(listener)
    listener.close()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        connect(endpoint, timeout=60)


def test_a_silent_peer_runs_into_the_timeout(listener: socket.socket) -> None:
    with pytest.raises(TimeoutError, match=r"no handshake within 0\.2 s"):
        connect(url(listener), 0.2)


def test_a_peer_that_is_no_zeromq_is_left(listener: socket.socket) -> None:
    def answer() -> None:
        peer, _ = listener.accept()
        with peer, suppress(ConnectionError):
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(64))
            while peer.recv(1024):
                pass

    speaker = threading.Thread(target=answer)
    speaker.start()
    with pytest.raises(OSError, match=r"."):
        connect(url(listener), 0.5)
    speaker.join()


def test_a_peer_that_asks_for_keys_is_left() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as router:
        router.setsockopt(zmq.CURVE_SERVER, 1)
        router.setsockopt(zmq.CURVE_SECRETKEY, zmq.curve_keypair()[1])
        port = router.bind_to_random_port("tcp://127.0.0.1")
        with pytest.raises(ConnectionError):
            connect(f"tcp://127.0.0.1:{port}", SOON)


@pytest.mark.parametrize("endpoint", ["udp://127.0.0.1:1", "nonsense", "ipc://" + "x" * 200])
def test_an_endpoint_of_no_use_is_an_os_error(endpoint: str) -> None:
    with pytest.raises(OSError, match=r"."):
        connect(endpoint, SOON)
