"""Results in real GIMP that are changed later, cover a part, or follow a painted map."""

from __future__ import annotations

import json
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
EDGE = 10  # pixels that the tiny network sees


@pytest.fixture(scope="module")
def retuned(gimp: Gimp, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("retuned") / "image.xcf"
    return dict(gimp.run("retuned", picture=str(COFFEE), file=str(file)))


@pytest.fixture(scope="module")
def partial(gimp: Gimp) -> dict[str, Any]:
    return dict(gimp.run("partial", picture=str(COFFEE)))


def controls(layer: dict[str, Any]) -> dict[str, float]:
    return dict(Settings.from_json(layer["record"]).controls)


def values(layer: dict[str, Any]) -> NDArray[np.uint8]:
    width, height = layer["size"]
    return np.frombuffer(b64decode(layer["pixels"]), np.uint8).reshape(height, width, -1)


class TestRetune:
    """The layer keeps its place and looks; its pixels are those of the new settings."""

    def test_other_settings_in_the_same_place(self, retuned: dict[str, Any]) -> None:
        (before, source), (after, same) = retuned["filtered"], retuned["retuned"]
        assert same == source
        assert controls(after) == {"noise": 12.0, "detail": 0.2}
        assert after["name"] == "Tiny · noise 12 · detail 0.2"
        assert after["opacity"] == before["opacity"] == pytest.approx(60, abs=0.5)
        assert after["pixels"] != before["pixels"]

    def test_after_saving_the_source_is_found_though_renamed_and_beside_a_copy(
        self, retuned: dict[str, Any]
    ) -> None:
        assert controls(retuned["reopened"]) == {"noise": 12.0, "detail": 0.9}
        assert len(retuned["after reopening"]) == 3
        source = retuned["after reopening"][1]
        assert source["name"] == "another name"
        assert Settings.from_json(retuned["reopened"]["record"]).source["name"] == "another name"

    def test_in_a_duplicate_the_same_settings_give_the_same_pixels(
        self, retuned: dict[str, Any]
    ) -> None:
        assert retuned["duplicated"]["pixels"] == retuned["retuned"][0]["pixels"]

    def test_what_cannot_be_found_is_named(self, retuned: dict[str, Any]) -> None:
        assert "'another name'" in retuned["gone"]["error"]
        assert "is no result of Rheostat" in retuned["no result"]["error"]


class TestPart:
    """Selections, maps, several layers, and results that are larger."""

    def test_a_selection_is_the_mask_of_a_layer_of_its_size(self, partial: dict[str, Any]) -> None:
        whole, part = partial["whole"], partial["selected"]
        x, y = (a - b for a, b in zip(part["offsets"], whole["offsets"], strict=True))
        width, height = part["size"]
        assert width < whole["size"][0]
        expected = values(whole)[y : y + height, x : x + width]
        np.testing.assert_array_equal(values(part), expected)  # with the context around it
        left, top = part["offsets"]
        selection = values(partial["selection"])[top : top + height, left : left + width]
        np.testing.assert_array_equal(values(part["mask"]), selection)
        assert np.count_nonzero((selection > 0) & (selection < 255)) > 0  # the feather

    def test_a_selection_beside_the_layer_is_refused(self, partial: dict[str, Any]) -> None:
        assert "selection is beside" in partial["beside"]["error"]

    def test_a_painted_control_acts_where_the_channel_is_white(
        self, partial: dict[str, Any]
    ) -> None:
        painted, source = values(partial["painted"]), values(partial["source"])
        everywhere = values(partial["everywhere"])
        np.testing.assert_array_equal(painted[:, 40 + EDGE :], source[:, 40 + EDGE :])
        assert np.abs(painted[:, : 40 - EDGE].astype(int) - everywhere[:, : 40 - EDGE]).max() <= 1
        record = json.loads(partial["painted"]["record"])
        assert record["maps"]["noise"]["name"] == "Sky"
        assert "no layer, mask or channel 'Sea'" in partial["no such map"]["error"]

    def test_several_layers_in_one_go(self, partial: dict[str, Any]) -> None:
        results = [name for name in partial["both"] if name.startswith("Tiny")]
        assert len(results) == 2
        assert partial["both"][0].startswith("Tiny")
        assert partial["both"][2].startswith("Tiny")

    def test_an_enlargement_is_a_new_image(self, partial: dict[str, Any]) -> None:
        assert partial["images"] == 1
        assert partial["enlarged"]["size"] == [2 * side for side in partial["source"]["size"]]
