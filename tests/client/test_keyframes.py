"""Sliders over time: true at the keys, even and monotone between them, kept in a record."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client.controls import Control
from rheostat_client.keyframes import at, from_plain, to_plain

RANGE = (0.0, 75.0)
CONTROLS = (
    Control("noise", "Noise", "", "σ", RANGE, RANGE, RANGE, 25.0, curve="sqrt"),
    Control("detail", "Detail", "", "artistic", (0, 1), (0, 1), (0, 1), 0.3),
)
Values = dict[str, float]
values = st.fixed_dictionaries({"noise": st.floats(0, 75), "detail": st.floats(0, 1)})


@given(st.dictionaries(st.integers(0, 1000), values, min_size=1), st.integers(-10, 1010))
def test_a_key_is_met_and_what_is_outside_is_held(keys: dict[int, Values], frame: int) -> None:
    for key in keys:
        assert at(keys, CONTROLS, key) == keys[key]
    inside = at(keys, CONTROLS, frame)
    for control in CONTROLS:
        given_ = [each[control.id] for each in keys.values()]
        assert min(given_) <= inside[control.id] <= max(given_)
    assert at(keys, CONTROLS, 2000) == keys[max(keys)]


@given(values, values)
def test_the_slider_moves_one_way_in_even_steps(start: Values, end: Values) -> None:
    keys = {0: start, 24: end}
    noise = CONTROLS[0]
    travel = [noise.position(at(keys, CONTROLS, frame)["noise"]) for frame in range(25)]
    steps = [b - a for a, b in pairwise(travel)]
    assert steps == pytest.approx([steps[0]] * 24, abs=1e-6)


@given(st.dictionaries(st.integers(0, 1000), values))
def test_a_record_gives_the_keys_back(keys: dict[int, Values]) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(keys))), CONTROLS) == keys


@pytest.mark.parametrize("damage", [None, [], {"x": {}}, {"1": 3}, {"1": {"noise": 99}}])
def test_damaged_keys_are_left_out(damage: object) -> None:
    assert from_plain(damage, CONTROLS) == {}
