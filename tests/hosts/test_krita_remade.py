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
