"""The dialog in real GIMP while settings are reset and layers, maps and selections go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hosts.rig import Gimp
from rheostat_client.settings import Settings

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"


@pytest.fixture
def driven(gimp: Gimp, display: str) -> Callable[[str], Any]:
    """`driven(case)`: what came of it."""
    words = {"picture": str(COFFEE), "plug_in": str(gimp.plug_in)}
    return lambda case: gimp.run("driven", display=display, case=case, **words)


def test_reset_during_a_full_render_changes_neither_results_nor_records(
    driven: Callable[[str], Any],
) -> None:
    seen = driven("reset")
    assert seen["status"] == "success"
    results = seen["layers"][::2]
    assert len(results) == 2
    for result in results:
        assert result["pixels"] == seen["expected"]["pixels"]
        assert result["name"].startswith("Tiny · noise 40 · detail 0.3")
        record = Settings.from_json(result["record"])
        assert record.controls == {"noise": 40, "detail": 0.3}
        assert record.maps["noise"]["name"] == "Sky"


def test_reset_during_a_full_render_leaves_where_its_results_go(
    driven: Callable[[str], Any],
) -> None:
    seen = driven("reset_in_place")
    assert seen["status"] == "success"
    assert [layer["pixels"] for layer in seen["layers"]] == 2 * [seen["expected"]["pixels"]]


def test_what_was_selected_when_it_began_is_the_mask(driven: Callable[[str], Any]) -> None:
    seen = driven("selected")
    assert seen["status"] == "success"
    assert len(seen["layers"]) == 4
    for result in seen["layers"][::2]:
        assert result["pixels"] == seen["expected"]["pixels"]
        assert result["mask"]["pixels"] == seen["expected"]["mask"]["pixels"]


def test_a_layer_deleted_while_another_renders_is_told_of_in_the_dialog(
    driven: Callable[[str], Any],
) -> None:
    seen = driven("deleted")
    assert "was deleted" in seen["problems"][0]
    assert seen["status"] == "cancel"
    assert [layer["name"] for layer in seen["layers"]] == ["Background copy"]


def test_a_layer_deleted_and_a_render_cancelled_leave_the_dialog_usable(
    driven: Callable[[str], Any],
) -> None:
    seen = driven("deleted_and_cancelled")
    assert "was deleted" in seen["problems"][0]
    assert seen["status"] == "cancel"
    assert [layer["name"] for layer in seen["layers"]] == ["Background"]


def test_a_map_that_was_deleted_is_told_of_in_the_dialog(driven: Callable[[str], Any]) -> None:
    seen = driven("map_deleted")
    assert "was deleted" in seen["problems"][0]
    assert seen["status"] == "success"
    assert len(seen["layers"]) == 4
