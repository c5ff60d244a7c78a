"""What a client makes of a daemon that is frozen, forgetful, mute, foreign or talks nonsense."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
import pytest
from client import peer as program
from client.peer import PAUSE, Handler, Peer, endless
from rheostat_client import exchange, link
from rheostat_client.channel import Pulse
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import (
    MAGIC,
    Cancel,
    Done,
    Error,
    Goodbye,
    Hello,
    ListModels,
    Models,
    Pong,
    Progress,
    Render,
    Stored,
    Tile,
    Upload,
)
from rheostat_client.rendezvous import read, write
from rheostat_client.uploads import PART, WINDOW

PICTURE = (bytes(range(120)), "gray8", 12, 10)
OFF = ("tiny", {"amount": 0.0})

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture
def connection(peer: Peer) -> Iterator[Connection]:
    assert peer.instance
    with Connection.open() as connection:
        yield connection


def refused(connection: Connection) -> RheostatError:
    """The error a filter ends with."""
    with pytest.raises(RheostatError) as refusal:
        connection.filter(*PICTURE, *OFF)
    return refusal.value


def says(*replies: Any) -> Handler:
    """A handler that gives these replies."""
    return lambda *_: iter(replies)


def once(peer: Peer, kind: type, handler: Handler) -> None:
    """Script the next message of this kind only."""

    def first(*args: Any) -> Any:
        del peer.script[kind]
        return handler(*args)

    peer.script[kind] = first


@pytest.fixture
def frozen(folder: Path) -> Iterator[Connection]:
    """A connection to a daemon that can be stopped; it goes on, and goes, at the end."""
    with Connection.open([sys.executable, str(Path(program.__file__))]) as connection:
        yield connection
        os.kill(connection.welcome.pid, signal.SIGCONT)
        with Connection.open() as last:
            last.shutdown()
    assert folder.is_dir()


def test_a_daemon_that_freezes_in_the_middle_is_given_up(
    frozen: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "INTERVAL", 0.05)

    def freeze(_done: int, _total: int, state: str) -> None:
        if state == "rendering":
            os.kill(frozen.welcome.pid, signal.SIGSTOP)

    with pytest.raises(RheostatError, match=r"has not answered for 0\.4 s") as lost:
        frozen.filter(bytes(400 * 400), "gray8", 400, 400, "slow", {}, on_progress=freeze)
    assert lost.value.code == "daemon-lost"


def test_a_daemon_that_is_frozen_already_is_told_from_none(
    frozen: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "HANDSHAKE", 0.3)
    os.kill(frozen.welcome.pid, signal.SIGSTOP)
    with pytest.raises(RheostatError, match=r"has not answered for 0\.3 s") as lost:
        Connection.open()
    assert lost.value.code == "daemon-lost"
    assert f"end process {frozen.welcome.pid}" in lost.value.remedy


def test_a_daemon_that_works_for_long_is_not_given_up(
    peer: Peer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "INTERVAL", 0.01)
    monkeypatch.setattr(Pulse, "PATIENCE", 4)
    peer.script[Render] = endless
    until = time.monotonic() + 1
    with pytest.raises(RheostatError) as stopped:
        connection.filter(*PICTURE, *OFF, should_cancel=lambda: time.monotonic() > until)
    assert stopped.value.code == "cancelled"
    assert peer.count(Cancel) == 1


def test_whoever_wants_to_stop_does_not_wait_for_a_daemon_that_will_not(
    peer: Peer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "STOP", 0.2)
    peer.script[Render] = lambda *_: iter([PAUSE] * 5)
    with pytest.raises(RheostatError) as stopped:
        connection.filter(*PICTURE, *OFF, should_cancel=lambda: peer.count(Render) > 0)
    assert stopped.value.code == "cancelled"
    del peer.script[Render]
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]


def test_no_more_is_on_its_way_than_the_window(peer: Peer, connection: Connection) -> None:
    picture = bytes((WINDOW + 2) * PART)
    peer.script[Upload] = lambda _, upload, frames: (
        [] if frames else [Stored(upload.hash, 0, len(picture))]
    )
    last: list[float] = []

    def all_has_come() -> bool:
        if peer.count(Upload) == 1 + WINDOW:
            last.append(time.monotonic())
        return bool(last) and last[-1] > last[0] + 0.3

    with pytest.raises(RheostatError) as stopped:
        connection.upload(
            picture, "gray8", PART // 1024, 1024 * (WINDOW + 2), should_cancel=all_has_come
        )
    assert stopped.value.code == "cancelled"
    assert peer.count(Upload) == 1 + WINDOW
    del peer.script[Upload]
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]


def test_what_another_client_has_sent_meanwhile_is_not_sent(
    peer: Peer, connection: Connection
) -> None:
    picture = bytes(5 * PART)
    offsets: list[int] = []

    def answer(_: Peer, upload: Upload, frames: list[Any]) -> Any:
        if not frames:
            return [Stored(upload.hash, 0, len(picture))]
        offsets.append(upload.offset)
        held = 4 * PART if upload.offset < 4 * PART else 5 * PART
        return [Stored(upload.hash, held, len(picture))]

    peer.script[Upload] = answer
    connection.upload(picture, "gray8", PART // 1024, 5120)
    assert offsets == [0, PART, 4 * PART]


def test_a_daemon_that_keeps_nothing_is_asked_twice(peer: Peer, connection: Connection) -> None:
    peer.script[Upload] = lambda _, upload, __: [Stored(upload.hash, 0, 120)]
    error = refused(connection)
    assert error.code == "incomplete-pixels"
    assert "kept 0 of the 120 bytes" in error.message
    assert peer.count(Upload) == 4


@pytest.mark.parametrize("code", ["unknown-pixels", "incomplete-pixels", "no-session"])
def test_what_the_daemon_let_go_of_is_brought_again(
    peer: Peer, connection: Connection, code: str
) -> None:
    once(peer, Render, lambda _, render, __: [Error(code, "Gone.", job=render.job)])
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]
    assert peer.count(Render) == 2
    assert peer.count(Hello) == (4 if code == "no-session" else 2)


def test_a_busy_daemon_is_asked_again_for_a_while(
    peer: Peer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    once(peer, Render, lambda _, render, __: [Error("busy", "Busy.", job=render.job)])
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]
    assert (peer.count(Render), peer.count(Upload)) == (2, 2)
    peer.script[Render] = lambda _, render, __: [Error("busy", "Busy.", job=render.job)]
    monkeypatch.setattr("rheostat_client.exchange.BUSY", 0.3)
    assert refused(connection).code == "busy"
    assert peer.count(Render) > 3
    monkeypatch.setattr("rheostat_client.exchange.BUSY", 60.0)
    stop = partial(connection.filter, *PICTURE, *OFF, should_cancel=lambda: peer.count(Render) > 9)
    with pytest.raises(RheostatError) as stopped:
        stop()
    assert stopped.value.code == "cancelled"


def test_other_errors_are_not_tried_again(peer: Peer, connection: Connection) -> None:
    peer.script[Render] = lambda _, render, __: [Error("internal", "Oh.", job=render.job)]
    assert refused(connection).code == "internal"
    assert peer.count(Render) == 1


def test_a_daemon_too_old_for_painted_controls_is_not_asked(connection: Connection) -> None:
    paper = (b"\xff", "gray8", 1, 1)
    with pytest.raises(RheostatError, match="no painted controls") as old:
        connection.filter(b"abc", "rgb8", 1, 1, "tiny", {}, maps={"noise": paper})
    assert old.value.code == "wrong-protocol"


def test_a_farewell_gives_its_reason(peer: Peer, connection: Connection) -> None:
    peer.script[Render] = says(Goodbye("It is late."))
    error = refused(connection)
    assert (error.code, error.message.endswith("has left: It is late.")) == ("daemon-lost", True)


TILE = Tile("", 0, 0, 12, 10, "gray8")


@pytest.mark.parametrize(
    ("replies", "word"),
    [
        ([(MAGIC, b"\xc1")], "not msgpack"),
        ([(b"HELLO", b"")], "start"),
        ([(MAGIC, msgpack.packb({"kind": "song"}))], "song"),
        ([Done("", "{}", 1.0, "cpu")], "tiles of the result are missing"),
        ([(TILE, [bytes(119)])], "119 bytes instead of 120"),
        ([(TILE, [])], "0 bytes instead of 120"),
        ([(Tile("", 1, 0, 12, 10, "gray8"), [bytes(120)])], "outside"),
        ([(Tile("", 0, 0, 12, 10, "rgb8"), [bytes(360)])], "format is rgb8"),
    ],
)
def test_nonsense_is_told_and_the_render_cancelled(
    peer: Peer, connection: Connection, replies: list[Any], word: str
) -> None:
    def answer(_: Peer, render: Render, __: list[Any]) -> Iterator[Any]:
        for reply in replies:
            yield with_job(reply, render.job)

    once(peer, Render, answer)
    error = refused(connection)
    assert (error.code, word in error.message) == ("bad-message", True), error.message
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]
    assert peer.count(Cancel) == (0 if "missing" in word else 1)


def with_job(reply: Any, job: str) -> Any:
    """Raw frames as a list, anything else with this job."""
    if isinstance(reply, tuple) and isinstance(reply[0], bytes):
        return list(reply), []
    message, pixels = reply if isinstance(reply, tuple) else (reply, [])
    return type(message)(**{**vars(message), "job": job}), pixels


def test_answers_to_nobody_are_passed_over(peer: Peer, connection: Connection) -> None:
    def answer(honest: Peer, render: Render, frames: list[Any]) -> Iterator[Any]:
        yield Progress("another", 1, 2)
        yield Tile("another", 0, 0, 1, 1, "gray8"), [b"x"]
        yield Error("internal", "Another's.", job="another")
        yield Stored("another", 1, 2)
        yield from Peer.render(honest, render, frames)

    peer.script[Render] = answer
    assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]
    assert connection.receive(0) is None


def test_a_question_that_is_not_answered_does_not_wait_for_ever(
    peer: Peer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "ANSWER", 0.2)
    peer.script[ListModels] = says()
    with pytest.raises(RheostatError, match=r"has not answered for 0\.2 s") as lost:
        connection.models()
    assert lost.value.code == "daemon-lost"


def test_an_answer_that_came_while_this_process_was_stopped_is_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        """Jumps at every look."""

        now = 0.0

        def monotonic(self) -> float:
            self.now += 2 * exchange.ANSWER
            return self.now

    models = connection.models()
    monkeypatch.setattr(exchange, "time", Clock())
    assert connection.models() == models


def test_a_model_that_cannot_be_read_is_told(peer: Peer, connection: Connection) -> None:
    peer.script[ListModels] = says(Models(({"id": "odd"},)))
    with pytest.raises(RheostatError, match="'odd'") as bad:
        connection.models()
    assert bad.value.code == "bad-manifest"


# --- versions and tokens ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "remedy"), [((2, 3), "Update this program or plug-in"), ((0, 0), "rheostat stop")]
)
def test_a_daemon_of_another_protocol_is_refused_before_a_word(
    folder: Path, theirs: tuple[int, int], remedy: str
) -> None:
    with Peer(folder, protocol=theirs) as peer, pytest.raises(RheostatError) as wrong:
        Connection.open()
    assert wrong.value.code == "wrong-protocol"
    assert f"{theirs[0]} to {theirs[1]}" in wrong.value.message
    assert remedy in wrong.value.remedy
    assert peer.received == []


def test_the_daemons_own_refusal_is_passed_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "PROTOCOLS", (4, 5))
    with Peer(folder, protocol=(1, 5)), pytest.raises(RheostatError) as wrong:
        Connection.open()
    assert wrong.value.code == "wrong-protocol"
    assert "4 to 5" in wrong.value.message


def test_over_tcp_the_token_is_shown_on_both_lanes(folder: Path) -> None:
    with Peer(folder, tcp=True) as peer, Connection.open() as connection:
        assert connection.filter(*PICTURE, *OFF).pixels == PICTURE[0]
        assert [m.token for m in peer.received if isinstance(m, Hello)] == ["secret"] * 2


def test_a_wrong_token_is_refused(folder: Path) -> None:
    with Peer(folder, tcp=True, token="guess"), pytest.raises(RheostatError) as wrong:
        Connection.open()
    assert wrong.value.code == "wrong-token"


def test_who_does_not_greet_is_no_daemon(peer: Peer) -> None:
    peer.script[Hello] = says(Pong("", "", 0, 0, 0.0))
    with pytest.raises(RheostatError, match="did not greet but sent Pong") as lost:
        Connection.open()
    assert lost.value.code == "daemon-lost"


def test_a_record_that_leads_to_nobody_is_no_daemon(peer: Peer, folder: Path) -> None:
    record = read(folder)
    assert record
    write(folder, type(record)(**{**vars(record), "control": f"ipc://{folder}/nobody"}))
    with pytest.raises(RheostatError) as missing:
        Connection.open(timeout=0.3)
    assert missing.value.code == "daemon-start-failed"
    assert peer.received == []
