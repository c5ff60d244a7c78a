"""Real GIMP: sources and maps that moved, the whole image as source, results in place."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hosts.rig import Gimp
from numpy.typing import NDArray
from rheostat_client.settings import Settings

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"


@pytest.fixture(scope="module")
def seen(gimp: Gimp, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("remade") / "image.xcf"
    return dict(gimp.run("remade", picture=str(COFFEE), file=str(file)))


def values(layer: dict[str, Any]) -> NDArray[np.uint8]:
    width, height = layer["size"]
    return np.frombuffer(b64decode(layer["pixels"]), np.uint8).reshape(height, width, -1)


def settings(layer: dict[str, Any]) -> Settings:
    return Settings.from_json(layer["record"])


def test_a_source_that_was_moved_and_renamed_is_found(seen: dict[str, Any]) -> None:
    case = seen["moved"]
    assert case["other"]["pixels"] == case["first"]["pixels"]
    assert settings(case["other"]).source["name"] == "moved"
    result, group = case["layers"]
    assert result["offsets"] == [0, 0]  # where it was
    assert [layer["name"] for layer in group["children"]] == ["moved"]


def test_two_results_have_one_source(seen: dict[str, Any]) -> None:
    case = seen["two_results"]
    assert case["above"]["pixels"] == case["low"]["pixels"]
    assert case["below"]["pixels"] == case["high"]["pixels"]
    assert case["low"]["pixels"] != case["high"]["pixels"]


def test_a_mask_that_painted_is_found_after_saving_and_renaming(seen: dict[str, Any]) -> None:
    case = seen["painted_by_a_mask"]
    assert case["again"]["pixels"] == case["first"]["pixels"]
    assert settings(case["again"]).maps["noise"]["name"].startswith("another name")


def test_copied_into_another_image_the_source_is_the_copy(seen: dict[str, Any]) -> None:
    case = seen["another_image"]
    assert case["again"]["pixels"] == case["first"]["pixels"]


def test_the_whole_image_is_what_is_visible(seen: dict[str, Any]) -> None:
    case = seen["whole_image"]
    colours = values(case["result"])[..., :3].astype(int)
    assert np.abs(colours - values(case["expected"])[..., :3]).max() <= 1  # layers mix in float
    assert case["layers"][1:] == ["veil", "Background"]
    assert case["again"]["pixels"] == case["result"]["pixels"]  # it does not filter itself
    assert case["shown"][0] == case["shown"][1]
    assert settings(case["result"]).source["visible"] is True


def test_in_place_of_the_pixels_the_selection_counts(seen: dict[str, Any]) -> None:
    case = seen["in_place"]
    before, part, everywhere = (values(case[x]) for x in ("before", "part", "everywhere"))
    chosen = values(case["selection"])
    assert case["layers"] == 1
    nowhere, all_of_it = (chosen == 0)[..., 0], (chosen == 255)[..., 0]
    np.testing.assert_array_equal(part[nowhere], before[nowhere])
    np.testing.assert_array_equal(part[all_of_it], everywhere[all_of_it])
    assert all_of_it.any()
    assert "'Background' are locked" in case["locked"]["error"]


def test_a_name_that_the_user_gave_stays_and_no_other(seen: dict[str, Any]) -> None:
    names = seen["named"]
    assert names["longer"] == "Tiny · noise 20 · detail 0.3 – sky"
    assert names["other"] == "night sky"
    assert names["alike"] == "Tiny · noise 20 · detail 0.3 #1"
    assert names["numbered"] == "Tiny · noise 30 · detail 0.3"
    assert names["copied"] == "Tiny · noise 20 · detail 0.3 copy"
    assert names["copy"] == "Tiny · noise 40 · detail 0.3"
    assert names["foreign"] == "Tiny · noise 40 · detail 0.3"


def test_records_that_do_not_say_the_name_go_by_the_settings(seen: dict[str, Any]) -> None:
    assert seen["named"]["old"] == "Tiny · noise 10 · detail 0.3"
    assert seen["named"]["old longer"] == "Tiny · noise 10 · detail 0.3 – sky"


def test_a_mask_that_is_switched_off_is_not_the_results(seen: dict[str, Any]) -> None:
    assert seen["mask_off"]["mask"] is None


def test_a_locked_result_is_re_tuned_and_stays_locked(seen: dict[str, Any]) -> None:
    case = seen["locked_result"]
    assert case["again"]["pixels"] == case["expected"]["pixels"]
    assert case["is locked"]


@pytest.mark.parametrize(("name", "what"), [("locked_group", "folder"), ("second_locked", "Backg")])
def test_whatever_locks_the_pixels_nothing_is_put_in_place_of_any(
    seen: dict[str, Any], name: str, what: str
) -> None:
    case = seen[name]
    assert f"The pixels of '{what}" in case["error"]
    assert case["unchanged"]


def test_a_call_that_fails_leaves_no_copy_of_the_image(seen: dict[str, Any]) -> None:
    assert "'Sea'" in seen["failed"]["error"]
    assert seen["failed"]["left"] == 0
