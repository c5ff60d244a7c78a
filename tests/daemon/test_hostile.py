"""Whatever comes through the sockets, the daemon answers clearly or not at all, and lives on."""

from __future__ import annotations

import random
import socket
import struct
from dataclasses import asdict
from typing import Any

import msgpack
import pytest
import zmq
from daemon.conftest import Daemon, Door
from daemon.visitor import Visitor, photo
from rheostat_client.messages import (
    MAGIC,
    MAX_FRAME,
    MAX_FRAMES,
    MAX_HEADER,
    NAMES,
    Cancel,
    Error,
    Hello,
    ListModels,
    Ping,
    Render,
    Stored,
    Upload,
    to_frames,
    to_header,
)
from rheostat_client.pixels import content_hash
from rheostatd.server import Server
from rheostatd.session import MAX_SESSIONS


def header(kind: str = "render", **fields: Any) -> bytes:
    """A render's header, with some fields replaced or added."""
    render = asdict(Render("job-0", "tiny", "hash"))
    packed: bytes = msgpack.packb({"kind": kind, **render, **fields})
    return packed


def refused(answer: Any, code: str = "bad-message") -> Error:
    assert isinstance(answer, Error), answer
    assert answer.code == code
    assert answer.remedy
    return answer


@pytest.mark.parametrize(
    "frames",
    [
        (b"",),
        (b"", b"", b""),
        (MAGIC,),
        (MAGIC, b""),
        (MAGIC, b"\xc1"),
        (MAGIC, b"not msgpack at all"),
        (MAGIC, header()[:-3]),
        (MAGIC, header() + b"\x00"),
        (b"RHEO0", header()),
        (MAGIC + b"1", header()),
        (b"GET / HTTP/1.1", b"Host: localhost"),
        (MAGIC, msgpack.packb([1, 2, 3])),
        (MAGIC, msgpack.packb({"kind": 7})),
        (MAGIC, msgpack.packb({"kind": "render", "job": ["x"]})),
        (MAGIC, msgpack.packb({1: "kind"})),
        (MAGIC, b"\x81\xa4kind\xa2\xff\xfe"),  # not UTF-8
    ],
)
def test_garbage_is_refused(visitor: Visitor, frames: tuple[bytes, ...]) -> None:
    refused(visitor.say(*frames))
    visitor.finds_all_well()


def test_a_storm_of_noise(visitor: Visitor) -> None:
    noise = random.Random(0)
    for _ in range(150):
        frames = [noise.randbytes(noise.randrange(80)) for _ in range(noise.randrange(1, 6))]
        refused(visitor.say(*frames))
        refused(visitor.say(MAGIC, *frames))
    visitor.finds_all_well()


def test_headers_with_flipped_bytes(visitor: Visitor) -> None:
    noise, original = random.Random(0), header(controls={"noise": 25.0})
    for _ in range(150):
        damaged = bytearray(original)
        damaged[noise.randrange(len(damaged))] = noise.randrange(256)
        assert isinstance(visitor.say(MAGIC, bytes(damaged)), Error)
    visitor.finds_all_well()


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80" * MAX_HEADER,  # many empty maps
        b"\x91" * (MAX_HEADER - 1) + b"\xc0",  # arrays in arrays
        b"\xdd\xff\xff\xff\xff",  # an array of 4 billion
        b"\x82\xa4kind\xa6render\xa8controls\xdf\xff\xff\xff\xff",  # a map of 4 billion
        b"\x82\xa4kind\xa6render\xa6future" + b"\x91" * 60_000 + b"\xc0",  # in a field unknown here
        b"\xc6\xff\xff\xff\xff",  # 4 GiB of bytes
    ],
)
def test_header_bombs_do_not_go_off(visitor: Visitor, bomb: bytes) -> None:
    refused(visitor.say(MAGIC, bomb))
    visitor.finds_all_well()


def test_a_header_over_the_limit_is_refused_before_it_is_read(visitor: Visitor) -> None:
    large = header(padding="x" * MAX_HEADER)
    assert (
        f"{len(large)} bytes; the limit is {MAX_HEADER}"
        in refused(visitor.say(MAGIC, large)).message
    )
    visitor.finds_all_well()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": 3}, "$.model"),
        ({"region": [0, 0, 1]}, "$.region"),
        ({"region": [0, 0, 1, "1"]}, "$.region[3]"),
        ({"controls": {"noise": "25"}}, "$.controls[...]"),
        ({"controls": {"noise": True}}, "$.controls[...]"),
        ({"controls": [25]}, "$.controls"),
        ({"job": msgpack.ExtType(5, b"x")}, "$.job"),
        ({"controls": {"noise": msgpack.Timestamp(1)}}, "$.controls[...]"),
        ({"controls": {"noise": float("nan")}}, "'noise' is nan"),
        ({"controls": {"noise": float("-inf")}}, "'noise' is -inf"),
        ({"purpose": "fun"}, "'fun'"),
        ({"job": ""}, "job has 0 characters"),
        ({"job": "x" * 129}, "job has 129 characters"),
        ({"kind": "rendr"}, "'rendr'"),
        ({"kind": "ping"}, "another lane's"),
        ({"kind": "done"}, "'done'"),
    ],
)
def test_the_bad_field_is_named(visitor: Visitor, fields: dict[str, Any], path: str) -> None:
    assert path in refused(visitor.say(MAGIC, header(**fields))).message
    visitor.finds_all_well()


def test_an_error_names_its_job_where_that_can_be_read(visitor: Visitor) -> None:
    answer = visitor.say(MAGIC, header(job="mine", controls={"noise": float("nan")}))
    assert refused(answer).job == "mine"


def test_unknown_fields_of_a_newer_client_are_ignored(visitor: Visitor) -> None:
    name = visitor.upload(photo(8, 8))
    newer = {**to_header(Render("j", "tiny", name)), "future": {"a": [1, 2, {"b": None}]}}
    assert not isinstance(visitor.say(MAGIC, msgpack.packb(newer)), Error)


def test_a_frame_over_the_limit_costs_the_connection(door: Door) -> None:
    culprit, witness = door(), door()
    upload = Upload("x", "gray8", 4000, 4000)
    culprit.front.send_multipart(to_frames(upload, [bytes(MAX_FRAME + 1)]))
    witness.wait_until(sessions=1)
    witness.finds_all_well()


def test_a_frame_that_announces_8_gib_costs_the_connection(
    server: Server, visitor: Visitor
) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(server.record.front.removeprefix("ipc://"))
        greeting = (b"\xff" + bytes(8) + b"\x7f\x03\x00NULL").ljust(64, b"\0")
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        raw.sendall(greeting + bytes((4, len(ready))) + ready)
        raw.sendall(b"\x02" + struct.pack(">Q", 8 * 2**30) + b"the beginning")
        raw.settimeout(10)
        while raw.recv(4096):
            pass
    visitor.finds_all_well()


@pytest.mark.parametrize("surplus", [1, 1000])
def test_too_many_frames_are_refused_with_the_limit(visitor: Visitor, surplus: int) -> None:
    picture = photo(100, 100)
    upload = Upload(content_hash(picture.data, "rgb8", 100, 100), "rgb8", 100, 100)
    answer = visitor.ask(upload, [b"x"] * (MAX_FRAMES + surplus))
    frames = MAX_FRAMES + 2
    assert f"{frames + surplus} frames; the limit is {frames}" in refused(answer).message
    assert visitor.ask(upload) == Stored(upload.hash, 0, 30_000)
    visitor.finds_all_well()


def test_nothing_is_answered_before_hello(door: Door) -> None:
    stranger = door(hello=False)
    for message in (ListModels(), Upload("x", "rgb8", 1, 1), Render("j", "tiny", "x")):
        refused(stranger.ask(message), "no-session")
    for command in (Ping(), Cancel("j")):
        refused(stranger.command(command), "no-session")
    refused(stranger.command(Hello(session="guessed")), "no-session")
    door().finds_all_well()


def test_a_chosen_identity_is_refused(door: Door) -> None:
    refused(door(hello=False, IDENTITY=b"somebody").ask(Hello()))
    door().finds_all_well()


def test_an_identity_in_use_takes_nothing_over(server: Server, visitor: Visitor) -> None:
    """By hand, because libzmq does not send an identity like those the daemon makes up."""
    (taken,) = server._sessions._by_front
    name = visitor.upload(photo(8, 8))
    with socket.socket(socket.AF_UNIX) as thief:
        thief.connect(server.record.front.removeprefix("ipc://"))
        greeting = (b"\xff" + bytes(8) + b"\x7f\x03\x00NULL").ljust(64, b"\0")
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        ready += b"\x08Identity" + struct.pack(">I", len(taken)) + taken
        thief.sendall(greeting + bytes((4, len(ready))) + ready)
        visitor.render(photo(8, 8))
        assert visitor.ask(Upload(name, "rgb8", 8, 8)).received == 192
        thief.settimeout(0.2)
        heard = b""
        try:
            while part := thief.recv(4096):
                heard += part
        except TimeoutError:
            pass
        assert MAGIC not in heard


def test_over_tcp_the_token_is_asked_for_on_both_lanes(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback = "tcp://127.0.0.1:*"
    monkeypatch.setattr("rheostat_client.rendezvous.endpoints", lambda _: (loopback, loopback))
    record = daemon().record
    assert record.token
    with Visitor(record, hello=False) as stranger:
        for token in ("", "guessed"):
            refused(stranger.ask(Hello(token=token)), "wrong-token")
        refused(stranger.ask(ListModels()), "no-session")
        welcome = stranger.ask(Hello(token=record.token))
        refused(stranger.command(Hello(session=welcome.session)), "wrong-token")
        answer = stranger.command(Hello(token=record.token, session=welcome.session))
        assert answer.session == welcome.session
        assert stranger.command(Ping("n")).nonce == "n"


def test_the_protocols_of_an_old_and_a_new_client_are_refused_with_both_ranges(door: Door) -> None:
    old = refused(door(hello=False).ask(Hello((0, 0))), "wrong-protocol")
    assert "0 to 0" in old.message
    assert "1 to 1" in old.message
    assert "Update this program" in old.remedy
    new = refused(door(hello=False).ask(Hello((5, 7))), "wrong-protocol")
    assert "Update Rheostat" in new.remedy
    assert not isinstance(door(hello=False).ask(Hello((0, 1))), Error)


def test_more_programs_than_there_are_seats(door: Door) -> None:
    first = door()
    for _ in range(MAX_SESSIONS - 1):
        assert not isinstance(door(hello=False).ask(Hello()), Error)
    late = door(hello=False)
    assert str(MAX_SESSIONS) in refused(late.ask(Hello()), "busy").message
    first.finds_all_well()
    first.leave()
    door(hello=False)


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"model": "tinny"}, "unknown-model", "tiny"),
        ({"controls": {"noize": 3}}, "unknown-control", "noise"),
        ({"controls": {"noise": 76}}, "bad-value", "76; allowed is 0 to 75"),
        ({"controls": {"detail": -0.1}}, "bad-value", "-0.1; allowed is 0 to 1"),
        ({"region": (0, 0, 9, 8)}, "bad-value", "8 × 8"),
        ({"region": (-1, 0, 2, 2)}, "bad-value", "[-1, 0, 2, 2]"),
        ({"region": (0, 0, 0, 8)}, "bad-value", "[0, 0, 0, 8]"),
        ({"region": (2**62, 2**62, 2**62, 2**62)}, "bad-value", "8 × 8"),
    ],
)
def test_a_render_that_cannot_be_done_says_why(
    visitor: Visitor, fields: dict[str, Any], code: str, words: str
) -> None:
    job = visitor.submit(visitor.upload(photo(8, 8)), **fields)
    error = refused(visitor.end(job), code)
    assert words in f"{error.message} {error.remedy}"
    visitor.finds_all_well()


def test_unknown_and_incomplete_pixels(visitor: Visitor) -> None:
    refused(visitor.end(visitor.submit("0" * 32)), "unknown-pixels")
    upload = Upload("0" * 32, "rgb8", 100, 10)
    visitor.ask(upload, [bytes(2999)])
    error = refused(visitor.end(visitor.submit(upload.hash)), "incomplete-pixels")
    assert "2999 of 3000" in error.message
    visitor.finds_all_well()


def test_uploads_that_do_not_keep_their_word(visitor: Visitor) -> None:
    upload = Upload("0" * 32, "rgb8", 10, 10)
    assert "301" in refused(visitor.ask(upload, [bytes(301)])).message
    assert "not 0000" in refused(visitor.ask(upload, [bytes(300)])).message
    refused(visitor.ask(Upload("x", "rgb9", 10, 10)), "bad-format")
    refused(visitor.ask(Upload("x", "rgba32f", 65_535, 65_535)), "too-large")
    for side in (0, -5, 65_536):
        assert str(side) in refused(visitor.say(MAGIC, upload_header(width=side))).message
    refused(visitor.say(MAGIC, upload_header(offset=-1)))
    visitor.finds_all_well()


def upload_header(**fields: int) -> bytes:
    upload = {**asdict(Upload("x", "rgb8", 10, 10)), **fields}
    packed: bytes = msgpack.packb({"kind": NAMES[Upload], **upload})
    return packed


def test_a_flood_of_questions_without_listening_is_bounded(door: Door) -> None:
    deaf, witness = door(RCVHWM=1), door()
    frames = to_frames(ListModels())
    try:
        for _ in range(20_000):
            deaf.front.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        pass
    witness.wait_until(sessions=1)
    witness.finds_all_well()
