"""Dialogs of GIMP are not modal: layers, selection and file change while one of ours is open."""

from __future__ import annotations

import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp
from numpy.typing import NDArray
from rheostat_client.settings import Settings

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"
PREVIEW = "Rheostat preview"

Act = Callable[..., Any]


@pytest.fixture
def within(gimp: Gimp, tmp_path: Path) -> Act:
    """`within(case)`: of the plug-in's parts."""
    words = {"picture": str(COFFEE), "file": str(tmp_path / "image.xcf")}
    return lambda case: gimp.run("within", case=case, plug_in=str(gimp.plug_in), **words)


@pytest.fixture
def meanwhile(gimp: Gimp, display: str, tmp_path: Path) -> Iterator[Act]:
    """`meanwhile(case, model)`: of dialogs, which forget afterwards what was chosen."""
    picture = tmp_path / "picture.png"
    pixels = imagecodecs.png_decode(COFFEE.read_bytes())
    picture.write_bytes(imagecodecs.png_encode(np.tile(pixels, (7, 7, 1))))
    words = {"picture": str(picture), "file": str(tmp_path / "image.xcf"), "model": "Tiny"}

    def act(case: str, model: str = "tiny") -> Any:
        keys = {"key": gimp.shortcut(model), "retune": gimp.shortcut("retune")}
        return gimp.run("meanwhile", display=display, case=case, **keys, **words)

    yield act
    shutil.rmtree(gimp.profile / "plug-in-settings", ignore_errors=True)


def values(layer: dict[str, Any]) -> NDArray[np.uint8]:
    width, height = layer["size"]
    return np.frombuffer(b64decode(layer["pixels"]), np.uint8).reshape(height, width, -1)


def test_the_whole_image_is_filtered_and_re_tuned(meanwhile: Act) -> None:
    seen = meanwhile("whole")
    result, source = seen["filtered"]
    assert Settings.from_json(result["record"]).source["visible"] is True
    assert result["name"].startswith("Tiny · noise 40")
    again, same = seen["retuned"]
    assert again["name"].startswith("Tiny · noise 7")
    assert same == source


def test_while_it_renders_in_full_no_other_source_is_chosen(meanwhile: Act) -> None:
    result, source = meanwhile("moved", "tardy")["filtered"]
    assert Settings.from_json(result["record"]).source["name"] == source["name"]


def test_what_was_selected_and_painted_meanwhile_counts(meanwhile: Act) -> None:
    seen = meanwhile("painted")
    assert seen["found"]["mask"] is None
    assert seen["found"]["size"] == seen["expected"]["size"]
    assert seen["found"]["pixels"] == seen["expected"]["pixels"]


def test_saved_with_a_preview_the_image_still_has_to_be_saved(meanwhile: Act) -> None:
    seen = meanwhile("saved")
    assert seen["after"] == seen["before"]
    assert seen["is dirty"]


def test_a_preset_may_be_called_defaults(meanwhile: Act) -> None:
    result, _ = meanwhile("preset")["filtered"]
    assert result["name"].startswith("Tiny · noise 40")


def test_in_place_a_selection_that_went_costs_no_pixels(within: Act) -> None:
    seen = within("unselected")
    before, after = values(seen["before"]).copy(), values(seen["after"])
    x, y, width, height = seen["box"]
    before[y : y + height, x : x + width] = 0
    np.testing.assert_array_equal(after, before)


def test_a_preview_of_what_is_in_a_locked_group_lies_above_it(within: Act) -> None:
    seen = within("locked_group")
    assert seen["names"] == [PREVIEW, "folder"]
    assert seen["is as before"]


def test_a_preview_has_no_mask_that_is_switched_off(within: Act) -> None:
    assert within("mask_off")["mask"] is None


def test_a_preview_in_a_file_is_taken_out_by_another_session(within: Act) -> None:
    assert within("saved") == [PREVIEW, "Background"]
    seen = within("swept")
    assert seen["file"] == ["Background"]
    assert seen["is dirty"]  # until it is saved, its file has the preview
    assert seen["alive"] == [PREVIEW, "Background"]
    assert seen["another"] == ["Background"]
    assert seen["left"] == 1
    assert not seen["is import dirty"]
