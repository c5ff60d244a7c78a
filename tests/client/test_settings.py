"""Settings: one record, the same bytes everywhere, and clear words where it is damaged."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client.errors import RheostatError
from rheostat_client.settings import MAX_BYTES, SCHEMA, Settings

ids = st.text(min_size=1, max_size=20)
sides = st.integers(0, 65535)
records = st.builds(
    Settings,
    model=ids,
    version=ids,
    digest=ids,
    controls=st.dictionaries(ids, st.floats(allow_nan=False, allow_infinity=False), max_size=4),
    region=st.none() | st.tuples(sides, sides, sides, sides),
    source=st.dictionaries(ids, st.text(max_size=20) | st.integers(-9, 9), max_size=3),
)
RECORD = Settings("denoise", "1.0.0", "ab" * 32, {"noise": 25.0}, region=(1, 2, 3, 4))


@given(records)
def test_a_record_survives_writing_and_reading(record: Settings) -> None:
    assert Settings.from_json(record.to_json()) == record
    assert Settings.from_json(record.to_json().encode()) == record


@given(records)
def test_the_same_record_is_the_same_bytes_in_whatever_order_it_was_made(record: Settings) -> None:
    backwards = dict(reversed(list(record.controls.items())))
    other = Settings(record.model, record.version, record.digest, backwards, {}, record.region)
    again = Settings.from_json(record.to_json())
    assert again.to_json() == record.to_json()
    assert json.loads(other.to_json())["controls"] == dict(record.controls)
    if not record.source:
        assert other.to_json() == record.to_json()


def test_the_canonical_form_is_what_it_always_was() -> None:
    """Layers in old files hold these bytes."""
    assert RECORD.to_json() == (
        '{"controls":{"noise":25.0},"digest":"' + "ab" * 32 + '","maps":{},"model":"denoise",'
        '"region":[1,2,3,4],"schema":1,"source":{},"version":"1.0.0"}'
    )


def test_a_record_is_ascii_even_where_a_file_name_is_no_text() -> None:
    """So that every kind of metadata takes it, TIFF tags included."""
    record = Settings("denoise", "1", "ab", {}, source={"file": "ü \udcff.png"})
    assert record.to_json().isascii()
    assert Settings.from_json(record.to_json()) == record


def test_a_record_that_is_no_json_number_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Settings("denoise", "1", "ab", {"noise": float("nan")}).to_json()


def damaged(**changes: Any) -> str:
    data = {**json.loads(RECORD.to_json()), **changes}
    return json.dumps({name: value for name, value in data.items() if value != "gone"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("[]", "not a JSON object"),
        (damaged(schema=SCHEMA + 1), f"schema is {SCHEMA + 1}, this version reads 1 to {SCHEMA}"),
        (damaged(schema="gone"), "schema is None"),
        (damaged(schema="1"), "schema is '1'"),
        (damaged(schema=True), "schema is True"),
        (damaged(model="gone"), "model is missing"),
        (damaged(version=1), "version is missing"),
        (damaged(digest=None), "digest is missing"),
        (damaged(controls="gone"), "controls"),
        (damaged(controls={"noise": "much"}), "controls"),
        (damaged(controls={"noise": True}), "controls"),
        (damaged(controls={"noise": float("nan")}), "controls"),
        (damaged(controls={"noise": 10**400}), "controls"),
        (damaged(region=[1, 2, 3]), "region"),
        (damaged(region=[1, 2, 3, 4.5]), "region"),
        (damaged(maps=[]), "maps"),
        (damaged(source="photo.png"), "source"),
        (" " * (MAX_BYTES + 1), f"limit is {MAX_BYTES}"),
    ],
)
def test_a_damaged_record_says_what_is_wrong(text: str | bytes, word: str) -> None:
    with pytest.raises(RheostatError) as refused:
        Settings.from_json(text)
    assert refused.value.code == "bad-settings"
    assert word in refused.value.message


@given(st.data())
def test_no_damage_gets_past_as_another_kind_of_error(data: st.DataObject) -> None:
    text = bytearray(RECORD.to_json().encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RheostatError):
        Settings.from_json(bytes(text))


def test_a_newer_writers_fields_are_passed_over() -> None:
    assert Settings.from_json(damaged(mood="blue")) == RECORD
