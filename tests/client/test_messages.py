"""The wire: every message survives it, nothing else gets through."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client import messages
from rheostat_client.errors import RheostatError
from rheostat_client.messages import (
    KINDS,
    MAGIC,
    MAX_ANSWER,
    MAX_ID,
    Bytes,
    Hello,
    Ping,
    Render,
    Upload,
    agree,
    from_frames,
    from_header,
    to_frames,
    to_header,
)

SAMPLES: dict[str, Any] = {
    "maps": {"noise": "a" * 64},
    "protocol": (1, 2),
    "controls": {"noise": 25.0},
    "region": (0, 0, 5, 4),
    "focus": (1, 1, 2, 2),
    "models": ({"id": "denoise"},),
    "limits": {"pixels": 5},
    "capabilities": ("maps",),
    "report": {"pictures": 1},
    "found": True,
    "purpose": "preview",
    "control": "noise",
}


def sample(kind: type) -> Any:
    """A message of this kind with a value in every field."""
    by_type = {"str": "text", "int": 7, "float": 0.5, "bool": True}
    values = {f.name: SAMPLES.get(f.name, by_type.get(str(f.type))) for f in fields(kind)}
    if kind is not Hello and "protocol" in values:
        values["protocol"] = 1
    assert None not in values.values()
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_message_survives_the_wire(kind: type) -> None:
    message = sample(kind)
    frames = [bytes(frame) for frame in to_frames(message, [b"pixels"])]
    assert from_frames(frames) == (message, [b"pixels"])


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_newer_peers_fields_are_passed_over(kind: type) -> None:
    message = sample(kind)
    assert from_header({**to_header(message), "mood": "blue"}) == message


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_message_without_a_field_it_needs_is_none(kind: type) -> None:
    header = to_header(sample(kind))
    for name in (f.name for f in fields(kind) if f.default is f.default_factory is MISSING):
        with pytest.raises(ValueError, match=name):
            from_header({key: value for key, value in header.items() if key != name})


def test_pixels_are_not_copied() -> None:
    pixels = bytearray(100)
    assert to_frames(Ping(), [pixels])[2] is pixels


@pytest.mark.parametrize(
    ("frames", "word"),
    [
        ([], "start"),
        ([MAGIC], "start"),
        ([b"RHEO2", msgpack.packb({"kind": "ping"})], "start"),
        ([MAGIC + b"!", msgpack.packb({"kind": "ping"})], "start"),
        ([MAGIC, b""], "not msgpack"),
        ([MAGIC, b"\xc1"], "not msgpack"),
        ([MAGIC, msgpack.packb({"kind": "ping"}) + b"x"], "not msgpack"),
        ([MAGIC, b"\x91" * 5000], "not msgpack"),
        ([MAGIC, msgpack.packb(msgpack.ExtType(5, b"x"))], "extension type 5"),
        ([MAGIC, msgpack.packb([1])], "not a map"),
        ([MAGIC, msgpack.packb({})], "kind None"),
        ([MAGIC, msgpack.packb({"kind": "sing"})], "'sing'"),
        ([MAGIC, bytes(MAX_ANSWER + 1)], f"limit is {MAX_ANSWER}"),
    ],
)
def test_what_is_no_message_is_refused(frames: list[Bytes], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        from_frames(frames)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_noise_is_a_message_or_a_value_error(noise: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_frames([MAGIC, *noise])


@pytest.mark.parametrize("side", [0, -1, 65_536])
def test_a_size_no_picture_has_is_refused_with_its_limits(side: int) -> None:
    with pytest.raises(ValueError, match=f"width is {side}; allowed is 1 to 65535"):
        Upload("hash", "rgb8", side, 1)
    with pytest.raises(ValueError, match=f"height is {side}; allowed is 1 to 65535"):
        Upload("hash", "rgb8", 1, side)


def test_an_offset_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="offset is -1"):
        Upload("hash", "rgb8", 1, 1, offset=-1)


@pytest.mark.parametrize("name", ["job", "model", "hash", "key"])
@pytest.mark.parametrize("text", ["", "x" * (MAX_ID + 1)])
def test_a_name_is_neither_empty_nor_long(name: str, text: str) -> None:
    values = {"job": "j", "model": "m", "hash": "h", "key": "k", name: text}
    with pytest.raises(ValueError, match=f"{name} has {len(text)} characters; allowed is 1 to"):
        Render(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_control_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="'noise'"):
        Render("job", "model", "hash", {"noise": value})


def test_an_unknown_purpose_is_refused() -> None:
    with pytest.raises(ValueError, match="'fun'; allowed is preview, apply, batch"):
        Render("job", "model", "hash", purpose="fun")


@given(st.tuples(*[st.integers(1, 6)] * 4))
def test_both_sides_speak_the_newest_version_both_understand(ends: tuple[int, ...]) -> None:
    client, daemon = sorted(ends[:2]), sorted(ends[2:])
    common = set(range(client[0], client[1] + 1)) & set(range(daemon[0], daemon[1] + 1))
    if common:
        assert agree(client, daemon) == max(common)
        return
    with pytest.raises(RheostatError) as refused:
        agree(client, daemon)
    assert refused.value.code == "wrong-protocol"
    assert f"{client[0]} to {client[1]}" in refused.value.message
    assert f"{daemon[0]} to {daemon[1]}" in refused.value.message


def test_who_is_older_is_told_to_update() -> None:
    with pytest.raises(RheostatError, match="Update this program or plug-in"):
        agree(client=(1, 1), daemon=(2, 3))
    with pytest.raises(RheostatError, match="stop the old daemon"):
        agree(client=(2, 3), daemon=(1, 1))


def test_this_version_understands_itself() -> None:
    assert agree(messages.PROTOCOLS, messages.PROTOCOLS) == messages.PROTOCOL
