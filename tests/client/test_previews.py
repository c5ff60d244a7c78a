"""Previews at a real daemon: newest wins, nothing waits, the focus is seen first."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from packages import write_package
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Progress
from rheostat_client.previews import Event, Finished, Piece, Preview

START = [sys.executable, "-m", "rheostatd", "serve", "--precision", "float32"]
SIDE = 512
PICTURE = bytes(n * 7 % 251 for n in range(3 * SIDE * SIDE))
FOCUS = (200, 200, 64, 64)


@pytest.fixture(scope="module", autouse=True)
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    models = tmp_path_factory.mktemp("models")
    write_package(models, "tiny")
    write_package(models, "slow", width=32, blocks=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("RHEOSTAT_MODELS", str(models))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RHEOSTAT_LOG", raising=False)
        yield
        with Connection.open(START) as last:
            last.shutdown()


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection.open(START, name="test") as connection:
        yield connection


@pytest.fixture
def hash(connection: Connection) -> str:
    return connection.upload(PICTURE, "rgb8", SIDE, SIDE)


def events(preview: Preview, seconds: float = 60.0) -> Iterator[Event]:
    """All that comes until nothing more is to come."""
    deadline = time.monotonic() + seconds
    while preview.is_busy:
        assert time.monotonic() < deadline
        yield from preview.poll()
        time.sleep(0.002)


def painted(found: list[Event]) -> bytes:
    """The pieces put together; they cover the picture exactly."""
    rows = [bytearray(3 * SIDE) for _ in range(SIDE)]
    area = 0
    for piece in found:
        if isinstance(piece, Piece):
            area += piece.width * piece.height
            for row in range(piece.height):
                line = piece.pixels[3 * row * piece.width : 3 * (row + 1) * piece.width]
                rows[piece.y + row][3 * piece.x : 3 * (piece.x + piece.width)] = line
    assert area == SIDE * SIDE
    return b"".join(rows)


def test_a_preview_is_the_render_in_pieces(connection: Connection, hash: str) -> None:
    preview = Preview(connection)
    preview.ask(hash, "tiny", {"noise": 30.0, "detail": 0.5})
    found = list(events(preview))
    assert isinstance(found[-1], Finished)
    expected = connection.render(hash, "tiny", {"noise": 30.0, "detail": 0.5})
    assert painted(found) == expected.pixels
    assert found[-1].settings == expected.settings
    assert any(isinstance(event, Progress) for event in found)


def test_after_a_drag_only_the_last_position_was_finished(
    connection: Connection, hash: str
) -> None:
    preview = Preview(connection)
    started = time.monotonic()
    for step in range(40):
        preview.ask(hash, "slow", {"noise": 20.0 + step, "detail": 0.5}, focus=FOCUS)
        preview.poll()
        time.sleep(0.005)
    assert time.monotonic() - started < 20  # nobody waited for forty renders
    found: list[Event] = []
    for event in events(preview):
        found.append(event)
        if isinstance(event, Progress) and event.done == 0:
            found = []  # a newer position began
    finished = [event for event in found if isinstance(event, Finished)]
    assert len(finished) == 1
    assert '"noise":59.0' in finished[0].settings


def test_a_position_shows_its_focus_before_a_newer_one_begins(
    connection: Connection, hash: str
) -> None:
    preview, seen = Preview(connection), set[float]()
    value, deadline = 20.0, time.monotonic() + 60
    while len(seen) < 3:
        assert time.monotonic() < deadline
        value += 0.01
        preview.ask(hash, "slow", {"noise": value, "detail": 0.5}, focus=FOCUS)
        for event in preview.poll():
            if isinstance(event, Piece) and (event.x, event.y) == FOCUS[:2]:
                seen.add(value)
        time.sleep(0.002)
    preview.cancel()
    assert not preview.is_busy


def test_an_error_is_given_once_and_the_next_position_works(
    connection: Connection, hash: str
) -> None:
    preview = Preview(connection)
    preview.ask(hash, "tiny", {"nose": 1.0})
    (error,) = [event for event in events(preview) if isinstance(event, RheostatError)]
    assert error.code == "unknown-control"
    assert not preview.is_busy
    preview.ask(hash, "tiny", {"noise": 1.0})
    assert isinstance(list(events(preview))[-1], Finished)


def test_a_daemon_that_dies_is_reported_and_another_takes_over(
    connection: Connection, hash: str
) -> None:
    preview = Preview(connection)
    preview.ask(hash, "slow", {"noise": 33.0})
    os.kill(connection.welcome.pid, signal.SIGKILL)
    (error,) = [event for event in events(preview) if isinstance(event, RheostatError)]
    assert error.code == "daemon-lost"
    again = connection.upload(PICTURE, "rgb8", SIDE, SIDE)
    preview.ask(again, "tiny", {"noise": 1.0})
    assert isinstance(list(events(preview))[-1], Finished)


def test_a_final_render_is_not_overtaken_and_takes_nothing_from_a_preview(
    connection: Connection, hash: str
) -> None:
    preview = Preview(connection)
    preview.ask(hash, "slow", {"noise": 41.0}, focus=FOCUS)
    preview.ask(hash, "slow", {"noise": 42.0}, purpose="apply")
    found = list(events(preview))
    assert isinstance(found[-1], Finished)
    assert '"noise":42.0' in found[-1].settings
    painted(found)
