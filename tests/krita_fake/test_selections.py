"""What is selected limits a new result as it was when it was begun; an old one keeps its place."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from cli.conftest import Command
from krita_fake.conftest import Run
from krita_fake.test_docker import HEIGHT, WIDTH, rgba, swapped
from numpy.typing import NDArray

PART = np.s_[8:20, 4:20]  # a quarter is transparent at first


@pytest.fixture(scope="module")
def seen(run: Run) -> dict[str, Any]:
    return dict(run("select")["seen"])


@pytest.fixture
def expected(seen: dict[str, Any], rheostat: Command, tmp_path: Path) -> NDArray[np.uint8]:
    """What the command line makes of the whole source."""
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(imagecodecs.png_encode(swapped(seen["source"])))
    rheostat("filter", "tiny", source, out, "--set", "noise=40")
    return np.asarray(imagecodecs.png_decode(out.read_bytes()))


def test_the_mask_is_the_selection_at_the_start(seen: dict[str, Any]) -> None:
    (mask,) = seen["masks"]
    selected = np.zeros((HEIGHT, WIDTH), np.uint8)
    selected[PART] = 204
    np.testing.assert_array_equal(np.frombuffer(b64decode(mask), np.uint8), selected.ravel())


def test_the_preview_follows_the_selection_within_its_box(seen: dict[str, Any]) -> None:
    selected = np.zeros((HEIGHT, WIDTH), np.uint8)
    selected[PART] = 204
    selected[12:14, 8:10] = 0
    np.testing.assert_array_equal(rgba(seen["with a hole"])[..., 3], selected)


def test_a_result_of_the_whole_layer_stays_whole(
    seen: dict[str, Any], expected: NDArray[np.uint8]
) -> None:
    np.testing.assert_array_equal(swapped(seen["changed whole"]), expected)
    np.testing.assert_array_equal(rgba(seen["preview of the whole"]), expected)


def test_a_result_of_a_part_stays_in_its_place(
    seen: dict[str, Any], expected: NDArray[np.uint8]
) -> None:
    """Though its source has more pixels now, and begins elsewhere."""
    part = np.zeros_like(expected)
    part[PART] = expected[PART]
    np.testing.assert_array_equal(swapped(seen["changed part"]), part)
    preview = rgba(seen["preview of the part"])
    np.testing.assert_array_equal(preview[..., 3] > 0, part[..., 3] > 0)
    assert (preview[PART][..., 3] == 204).all()  # as its mask will show it


def test_no_look_asks_for_what_is_never_freed(seen: dict[str, Any]) -> None:
    assert seen["leaks"] == 0


def test_a_result_of_a_part_goes_along_with_the_canvas(
    seen: dict[str, Any], expected: NDArray[np.uint8]
) -> None:
    part = np.zeros_like(expected)
    part[PART] = expected[PART]
    np.testing.assert_array_equal(swapped(seen["part on a larger canvas"]), part)
    np.testing.assert_array_equal(swapped(seen["emptied part"]), part)
