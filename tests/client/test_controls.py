"""Controls: what a model promises of a slider, held for any slider there can be."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client.controls import CURVES, Control, complete, title
from rheostat_client.errors import RheostatError

NOISE: dict[str, Any] = {
    "id": "noise",
    "label": "Noise",
    "help": "How strong the noise is that goes away.",
    "unit": "8-bit levels",
    "hard": (0.0, 75.0),
    "soft": (0.0, 75.0),
    "trained": (0.0, 75.0),
    "default": 25.0,
    "off": 0.0,
    "step": 0.5,
}


def control(**changes: Any) -> Control:
    return Control(**{**NOISE, **changes})


@st.composite
def controls(draw: st.DrawFn) -> Control:
    """Any control whose description is sound."""
    curve = draw(st.sampled_from(CURVES))
    smallest = 0.01 if curve == "log" else -1000.0
    low = draw(st.floats(smallest, 1000))
    high = low + draw(st.floats(0.01, 1000))
    return control(
        hard=(low, high),
        soft=(low, high),
        trained=(low, high),
        default=draw(st.floats(low, high)),
        off=draw(st.none() | st.floats(low, high)),
        step=draw(st.sampled_from((0.001, 0.01, 0.25, 0.5, 1.0, 5.0))),
        curve=curve,
        ends=("soft", "crisp"),
    )


@given(controls(), st.floats(0, 1))
def test_the_position_of_a_value_is_where_it_came_from(slider: Control, position: float) -> None:
    assert slider.position(slider.value(position)) == pytest.approx(position, abs=1e-4)


@given(controls(), st.floats(0, 1))
def test_the_value_of_a_position_is_what_it_came_from(slider: Control, share: float) -> None:
    low, high = slider.soft
    value = low + share * (high - low)
    assert slider.value(slider.position(value)) == pytest.approx(value, abs=1e-6 * (high - low))


@given(controls(), st.floats(0, 1), st.floats(0, 1))
def test_travel_never_turns_back(slider: Control, one: float, other: float) -> None:
    first, last = sorted((one, other))
    assert slider.value(first) <= slider.value(last)


@given(controls())
def test_the_ends_of_travel_are_the_ends_of_the_soft_range(slider: Control) -> None:
    assert (slider.value(0), slider.value(1)) == pytest.approx(slider.soft)


@given(controls())
def test_a_control_survives_json(slider: Control) -> None:
    assert Control.from_dict(json.loads(json.dumps(slider.to_dict()))) == slider


def test_a_newer_peers_fields_are_passed_over() -> None:
    assert Control.from_dict({**NOISE, "colour": "red"}) == control()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hard": (5.0, 5.0)}, "empty"),
        ({"hard": (0.0, math.inf)}, "empty"),
        ({"hard": (0.0, math.nan)}, "empty"),
        ({"soft": (0.0, 76.0)}, "soft"),
        ({"soft": (50.0, 20.0)}, "soft"),
        ({"trained": (-1.0, 75.0)}, "trained"),
        ({"default": 76.0}, "default"),
        ({"off": -1.0}, "off"),
        ({"curve": "cubic"}, "cubic"),
        ({"curve": "log"}, "above 0"),
        ({"stage": "tail"}, "tail"),
        ({"step": 0.0}, "step"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(RheostatError, match=word) as refused:
        control(**changes)
    assert refused.value.code == "bad-manifest"
    assert "'noise'" in refused.value.message


@pytest.mark.parametrize("id", ["", "Noise", "noise_level", "noise level", "-noise", "a--b", "9"])
def test_an_id_that_a_host_cannot_take_is_refused(id: str) -> None:
    with pytest.raises(RheostatError, match="an id is") as refused:
        control(id=id)
    assert refused.value.code == "bad-manifest"


@pytest.mark.parametrize(
    "damage", [{"hard": 5}, {"hard": [0]}, {"default": "much"}, {"step": None}]
)
def test_damaged_data_names_the_control(damage: dict[str, Any]) -> None:
    with pytest.raises(RheostatError, match="'noise'") as refused:
        Control.from_dict({**NOISE, **damage})
    assert refused.value.code == "bad-manifest"


def test_missing_data_names_the_field() -> None:
    with pytest.raises(RheostatError, match="soft"):
        Control.from_dict({name: value for name, value in NOISE.items() if name != "soft"})


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_value_is_taken_as_it_is_or_refused_with_both_limits(value: float) -> None:
    if 0 <= value <= 75:
        assert control().check(value) == value
        return
    with pytest.raises(RheostatError) as refused:
        control().check(value)
    assert refused.value.code == "bad-value"
    assert f"{value:g}" in refused.value.message
    assert "0 to 75" in refused.value.message
    assert "0 to 75" in refused.value.remedy


@pytest.mark.parametrize("value", ["25", None, True, [25], 10**400])
def test_what_is_no_such_number_is_no_value(value: Any) -> None:
    with pytest.raises(RheostatError, match="allowed is 0 to 75"):
        control().check(value)


def test_black_is_off_or_else_the_sliders_lowest() -> None:
    assert control(hard=(-5, 75), soft=(2, 50), off=0.0).black == 0
    assert control(hard=(-5, 75), soft=(2, 50), off=None).black == 2


def test_only_the_off_position_is_off() -> None:
    assert control().is_off(0.0)
    assert not control().is_off(0.5)
    assert not control(off=None).is_off(0.0)


@given(st.floats(-10, 100))
def test_rounded_is_a_near_value_that_the_control_takes(value: float) -> None:
    noise = control(step=0.5)
    rounded = noise.rounded(value)
    assert noise.check(rounded) == rounded
    assert rounded % 0.5 == 0
    assert abs(rounded - min(75, max(0, value))) <= 0.25


@pytest.mark.parametrize(
    ("step", "value", "text"),
    [
        (0.5, 25.0, "25"),
        (0.5, 0.25, "0.2"),
        (0.25, 2.25, "2.25"),
        (1, 0.6, "1"),
        (0.01, 0.3, "0.3"),
        (5, 75.0, "75"),
    ],
)
def test_a_value_is_written_with_the_digits_its_step_makes_meaningful(
    step: float, value: float, text: str
) -> None:
    assert control(step=step).format(value) == text


@given(controls(), st.integers(-1000, 1000))
def test_a_whole_number_of_steps_is_written_in_full(slider: Control, steps: int) -> None:
    assert float(slider.format(steps * slider.step)) == pytest.approx(steps * slider.step)


def test_values_left_out_are_the_defaults_in_the_models_order() -> None:
    detail = control(id="detail", label="Detail", default=0.3)
    values = complete((control(), detail), {"detail": 1})
    assert list(values.items()) == [("noise", 25.0), ("detail", 1.0)]
    assert title("Denoise", (control(), detail), values) == "Denoise · noise 25 · detail 1"


def test_an_unknown_control_is_answered_with_the_nearest() -> None:
    with pytest.raises(RheostatError, match=r"'nose'.*Did you mean noise\?") as refused:
        complete((control(),), {"nose": 1.0})
    assert refused.value.code == "unknown-control"
