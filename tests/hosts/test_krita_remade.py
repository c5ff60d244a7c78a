"""Results in real Krita are changed later; maps are read while they are painted on."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hosts.rig import Krita
from hosts.test_krita import COFFEE, expected, rgba

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str) -> dict[str, Any]:
    return dict(krita.run("remade", display=display, picture=str(COFFEE)))


def test_a_copy_brings_its_settings_back(seen: dict[str, Any]) -> None:
    assert seen["copy"] == 24


def test_a_changed_copy_keeps_its_opacity_and_leaves_the_original_alone(
    seen: dict[str, Any],
) -> None:
    original = ["Tiny · noise 24 · detail 0.3", 128]
    copy = ["Copy of Tiny · noise 24 · detail 0.3", 128]
    assert seen["layers"] == [["Background", 255], original, copy]
    assert seen["changed copy"] == 40
    assert seen["undone layers"] == seen["redone layers"] == seen["layers"]


def test_undo_and_redo_bring_their_settings_back(seen: dict[str, Any]) -> None:
    assert seen["undone"] == 24
    assert seen["redone"] == 40


def test_copies_are_known_whatever_they_are_called(seen: dict[str, Any]) -> None:
    assert seen["Krita's copy"] == [True, 24]
    assert seen["renamed copy"] == 24


def test_a_layer_that_is_called_like_a_result_is_none(seen: dict[str, Any]) -> None:
    assert seen["foreign layer"] == 3  # the slider stays where it was
    before, after = seen["on a foreign layer"]
    assert len(after) == len(before) + 1
    assert set(before) < set(after)


def test_a_result_that_was_merged_into_its_source_is_a_layer_like_any_other(
    seen: dict[str, Any],
) -> None:
    assert seen["merged"] == [True, 3]


def test_a_source_whose_result_has_its_pixels_is_not_taken_for_it(seen: dict[str, Any]) -> None:
    assert seen["off"] == 0
    assert seen["source of an off result"] == 3
    before, after = seen["on the source again"]
    assert len(after) == len(before) + 2
    assert after[0] == before[0]


def test_the_preview_follows_the_brush_on_a_map(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    before = rgba(seen["painted"]).reshape(71, 97, 4).astype(int)
    after = rgba(seen["painted more"]).reshape(71, 97, 4).astype(int)
    whole = expected(krita, tmp_path, "noise=24").reshape(71, 97, 4)
    np.testing.assert_array_equal(after[:, :30], before[:, :30])
    assert np.abs(after[:, 67:] - whole[:, 67:]).max() <= 1
    assert np.abs(before[:, 67:] - whole[:, 67:]).max() > 1


def test_a_divider_holds_the_preview_back(seen: dict[str, Any]) -> None:
    assert any(b64decode(seen["whole"])[3::4])
    assert not any(b64decode(seen["held back"])[3::4])


def test_the_divider_is_dragged_on_the_canvas_however_it_is_turned(seen: dict[str, Any]) -> None:
    assert seen["dragged"] == [pytest.approx(750, abs=25)] * 2


def test_a_pen_drags_it_too_and_paints_nothing(seen: dict[str, Any]) -> None:
    assert seen["dragged by a pen"] == [pytest.approx(750, abs=25), True]


def test_beside_the_handle_the_brush_paints(seen: dict[str, Any]) -> None:
    assert seen["painted beside"] == ["Freehand Brush Stroke"]
    assert not seen["knob without preview"]
