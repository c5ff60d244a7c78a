"""Documents, models and selections change in real Krita while results are made; one is enlarged."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Krita
from hosts.test_krita import COFFEE, expected, rgba
from numpy.typing import NDArray

pytestmark = pytest.mark.host

HEIGHT, WIDTH = 71, 97
PART = np.s_[10:40, 20:60]


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str) -> dict[str, Any]:
    return dict(krita.run("documents", display=display, picture=str(COFFEE)))


def picture(pixels: str, scale: int = 1) -> NDArray[np.uint8]:
    """Krita's own bytes are BGRA."""
    return rgba(pixels).reshape(scale * HEIGHT, scale * WIDTH, 4)[..., [2, 1, 0, 3]]


def test_the_mask_is_the_selection_at_the_start(seen: dict[str, Any]) -> None:
    selected = np.zeros((HEIGHT, WIDTH), np.uint8)
    selected[PART] = 204
    mask = np.frombuffer(b64decode(seen["mask"]), np.uint8)
    np.testing.assert_array_equal(mask.reshape(HEIGHT, WIDTH), selected)


def test_the_preview_follows_the_selection_within_its_box(seen: dict[str, Any]) -> None:
    selected = np.zeros((HEIGHT, WIDTH), np.uint8)
    selected[PART] = 204
    selected[20:30, 30:40] = 0
    shown = rgba(seen["with a hole"]).reshape(HEIGHT, WIDTH, 4)
    np.testing.assert_array_equal(shown[..., 3], selected)


def test_changed_results_keep_their_place_whatever_is_selected(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    whole = expected(krita, tmp_path, "noise=40").reshape(HEIGHT, WIDTH, 4)
    np.testing.assert_array_equal(picture(seen["whole"]), whole)
    part = np.zeros_like(whole)
    part[PART] = whole[PART]
    np.testing.assert_array_equal(picture(seen["part"]), part)


def test_the_result_is_the_one_that_was_begun_where_it_was_begun(seen: dict[str, Any]) -> None:
    assert seen["layers"] == [4, 1]


def test_without_its_document_it_ends(seen: dict[str, Any]) -> None:
    assert not seen["is busy without its document"]


def test_a_larger_result_is_a_document_in_front(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    assert seen["enlarged"]["size"] == [2 * WIDTH, 2 * HEIGHT]
    assert seen["enlarged"]["documents"] == 1
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    pixels = np.ascontiguousarray(picture(seen["source"]))
    source.write_bytes(imagecodecs.png_encode(pixels))
    krita.rheostat("filter", "upscaler", str(source), str(out))
    wanted = np.asarray(imagecodecs.png_decode(out.read_bytes()))
    np.testing.assert_array_equal(picture(seen["enlarged"]["pixels"], 2), wanted)
