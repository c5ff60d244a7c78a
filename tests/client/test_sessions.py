"""Sessions at a real daemon, in a loop of their own: nothing waits, what comes is told."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Signal
from typing import Any

import pytest
from client.loop import Loop
from client.peer import PAUSE, Peer
from packages import write_package
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import (
    Bytes,
    Cancel,
    Error,
    Estimate,
    Estimated,
    Render,
    Stored,
    Tile,
    Upload,
)
from rheostat_client.previews import Event, Finished, Piece
from rheostat_client.rendezvous import DAEMON_LOCK, is_claimed, runtime_folder
from rheostat_client.sessions import Session

START = [sys.executable, "-m", "rheostatd", "serve"]
SIDE = 128
PIXELS = (bytes(n * 7 % 251 for n in range(3 * SIDE * SIDE)), "rgb8", SIDE, SIDE)
WHOLE = (0, 0, SIDE, SIDE)


@pytest.fixture(scope="module", autouse=True)
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    models = tmp_path_factory.mktemp("models")
    write_package(models, "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("RHEOSTAT_MODELS", str(models))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RHEOSTAT_LOG", raising=False)
        yield
        with Connection.open(START) as last:
            last.shutdown()


@pytest.fixture
def told() -> list[Event | str]:
    return []


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def session(loop: Loop, told: list[Event | str]) -> Iterator[Session]:
    made = Session(loop, START, "test", "tiny", PIXELS, {}, told.append)
    yield made
    made.close()


def is_over(told: list[Event | str]) -> Callable[[], bool]:
    return lambda: bool(told) and isinstance(told[-1], (Finished, RheostatError))


def test_a_position_is_rendered_and_then_the_loop_is_left_alone(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    started = time.monotonic()
    session.ask({"noise": 30.0}, WHOLE, None, "preview")
    assert time.monotonic() - started < 1  # though a daemon is being started
    loop.turn_until(is_over(told))
    assert told[0] == "opening"
    assert sum(event.height for event in told if isinstance(event, Piece)) == SIDE
    assert session.device.startswith("CPU")
    loop.turn_until(lambda: loop.is_idle)
    told.clear()
    session.ask({"noise": 31.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    assert "opening" not in told


def test_the_newest_position_asked_while_it_opens_is_the_one_rendered(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    for noise in (10.0, 20.0, 44.0):
        session.ask({"noise": noise}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    (end,) = [event for event in told if isinstance(event, Finished)]
    assert '"noise":44.0' in end.settings


def test_an_error_is_told_and_the_next_position_works(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    session.ask({"nose": 1.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    assert isinstance(told[-1], RheostatError)
    session.ask({"noise": 1.0}, WHOLE, None, "preview")
    loop.turn_until(lambda: isinstance(told[-1], Finished))


def process() -> int:
    """Of the daemon that runs."""
    with Connection.open() as other:
        return other.welcome.pid


def test_a_daemon_that_died_between_two_positions_is_started_again_and_nobody_waits(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    session.ask({"noise": 30.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    loop.turn_until(lambda: loop.is_idle)
    os.kill(process(), signal.SIGKILL)
    loop.turn_until(lambda: not is_claimed(runtime_folder()))
    time.sleep(0.2)  # until the loss of the connection has come through
    told.clear()
    session.ask({"noise": 31.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    assert told[0] == "opening"  # in a thread; it used to be started in the middle of `ask`
    assert isinstance(told[-1], Finished)


def test_a_frozen_daemon_does_not_hold_up_who_cancels(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    session.ask({"noise": 30.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    frozen = process()
    os.kill(frozen, signal.SIGSTOP)
    try:
        told.clear()
        session.ask({"noise": 33.0}, WHOLE, None, "preview")
        session.cancel()  # a wait for the answer would end with an error
        assert told == []
        assert not session.is_busy
    finally:
        os.kill(frozen, signal.SIGCONT)
    session.ask({"noise": 34.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    (end,) = [event for event in told if isinstance(event, Finished)]
    assert '"noise":34.0' in end.settings


def test_a_daemon_that_has_forgotten_the_pixels_gets_them_again_unasked(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    session.ask({"noise": 30.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    session._hashes = ("0" * 32, {})  # which it does not have
    told.clear()
    session.ask({"noise": 31.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    assert isinstance(told[-1], Finished)
    assert not [event for event in told if isinstance(event, RheostatError)]


def test_painted_maps_can_be_changed(session: Session, loop: Loop, told: list[Event | str]) -> None:
    pieces = []
    for grey in (255, 0):
        session.send_maps({"noise": (bytes([grey]) * SIDE * SIDE, "gray8", SIDE, SIDE)})
        told.clear()
        session.ask({"noise": 30.0}, WHOLE, None, "preview")
        loop.turn_until(is_over(told))
        pieces.append(b"".join(e.pixels for e in told if isinstance(e, Piece)))
    assert pieces[0] != pieces[1] == PIXELS[0]


def test_closed_while_it_opens_nothing_more_is_told(
    session: Session, loop: Loop, told: list[Event | str]
) -> None:
    session.ask({"noise": 30.0}, WHOLE, None, "preview")
    session.close()
    end = time.monotonic() + 1
    loop.turn_until(lambda: time.monotonic() > end)
    assert told == ["opening"]


class SlowUpload:
    """Holds back the answer to the upload of a map, while a piece of the render before it comes."""

    def __init__(self, peer: Peer) -> None:
        self.let_go, self.has_sent = Signal(), Signal()
        self._peer, self._upload = peer, Upload("0" * 32, "gray8", 1, 1)
        peer.script = {Upload: self.upload, Render: self.render}

    def upload(self, peer: Peer, upload: Upload, frames: list[Bytes]) -> Iterator[Any]:
        if upload.format == "gray8":
            self._upload = upload
        else:
            yield from peer.upload(upload, frames)

    def render(self, peer: Peer, render: Render, _: list[Bytes]) -> Iterator[Any]:
        peer.script = {Upload: self.upload}  # the render after this one is honest
        while self._upload.width == 1:
            yield PAUSE
        yield Tile(render.job, 0, 0, 1, 1, "rgb8"), [bytes(3)]
        self.has_sent.set()
        while not self.let_go.is_set():
            yield PAUSE
        yield Stored(self._upload.hash, SIDE * SIDE, SIDE * SIDE)
        yield Error("overtaken", "A newer one came.", job=render.job)


@pytest.fixture
def slow(peer: Peer, session: Session, loop: Loop) -> SlowUpload:
    """A map is on its way to the daemon, and a piece of the render before it to the loop."""
    slow = SlowUpload(peer)
    session.ask({"amount": 1.0}, WHOLE, None, "preview")
    loop.turn_until(lambda: peer.count(Render) == 1)
    session.send_maps({"amount": (bytes(SIDE * SIDE), "gray8", SIDE, SIDE)})
    session.ask({"amount": 0.5}, WHOLE, None, "preview")
    loop.turn_until(slow.has_sent.is_set)
    return slow


def turn_for_a_while(loop: Loop) -> None:
    end = time.monotonic() + 0.3
    loop.turn_until(lambda: time.monotonic() > end)


@pytest.mark.usefixtures("transport")
def test_while_maps_are_sent_the_loop_leaves_the_connection_alone(
    slow: SlowUpload, loop: Loop, told: list[Event | str]
) -> None:
    turn_for_a_while(loop)
    assert not [event for event in told if isinstance(event, Piece)]
    slow.let_go.set()
    loop.turn_until(is_over(told))
    (end,) = [event for event in told if isinstance(event, Finished)]
    assert '"amount":0.5' in end.settings
    loop.turn_until(lambda: loop.is_idle)


@pytest.mark.usefixtures("transport")
def test_cancelled_while_maps_are_sent_the_daemon_hears_of_it_afterwards(
    slow: SlowUpload, session: Session, loop: Loop, peer: Peer, told: list[Event | str]
) -> None:
    session.cancel()
    assert not session.is_busy
    turn_for_a_while(loop)
    assert peer.count(Cancel) == 0
    slow.let_go.set()
    loop.turn_until(lambda: peer.count(Cancel) == 1)
    loop.turn_until(lambda: loop.is_idle)
    assert not [event for event in told if isinstance(event, (Piece, RheostatError))]


def test_whatever_keeps_it_from_opening_is_told_and_the_next_position_works(
    folder: Path, session: Session, loop: Loop, told: list[Event | str]
) -> None:
    lock = folder / DAEMON_LOCK
    lock.mkdir()
    session.ask({"amount": 1.0}, WHOLE, None, "preview")
    loop.turn_until(is_over(told))
    (error,) = [event for event in told if isinstance(event, RheostatError)]
    assert error.code == "internal"
    assert str(lock) in error.message
    lock.rmdir()
    with Peer(folder):
        session.ask({"amount": 1.0}, WHOLE, None, "preview")
        loop.turn_until(lambda: isinstance(told[-1], Finished))


def test_a_position_that_could_not_be_had_is_not_wanted_any_more(
    folder: Path, session: Session, loop: Loop, told: list[Event | str]
) -> None:
    lock = folder / DAEMON_LOCK
    lock.mkdir()
    session.ask({"amount": 1.0}, WHOLE, None, "apply")
    loop.turn_until(is_over(told))
    assert not session.is_busy
    lock.rmdir()
    with Peer(folder) as peer:
        peer.script = {Estimate: lambda _peer, asked, _: [Estimated(asked.job, "amount", 7.0)]}
        session.estimate("amount")
        loop.turn_until(lambda: isinstance(told[-1], Estimated))
        loop.turn_until(lambda: loop.is_idle)
        assert peer.count(Render) == 0
