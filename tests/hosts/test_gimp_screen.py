"""The plug-in in real GIMP as a person meets it: a menu entry, a dialog, a layer, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hosts.rig import Gimp

pytestmark = pytest.mark.host

SHOTS = Path(__file__).parents[2] / "build" / "hosts"


@pytest.fixture(scope="module")
def seen(gimp: Gimp, display: str) -> dict[str, Any]:
    """The layers after each step; the two screenshots stay in build/hosts to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    picture = Path(__file__).parent / "coffee.png"
    return dict(
        gimp.run(
            "screen",
            display=display,
            picture=str(picture),
            key=gimp.shortcut("tiny"),
            model="Tiny",
            noise="40",
            shots=str(SHOTS),
        )
    )


def names(layers: list[dict[str, Any]]) -> list[str]:
    return [layer["name"] for layer in layers]


def test_ok_paints_what_the_sliders_say(seen: dict[str, Any]) -> None:
    (source,) = seen["opened"]
    assert names(seen["filtered"]) == ["Tiny · noise 40 · detail 0.3", source["name"]]
    assert seen["filtered"][1] == source


def test_repeat_filters_the_source_again_with_the_last_values(seen: dict[str, Any]) -> None:
    first, second, source = seen["repeated"]
    assert names([first, source]) == names(seen["filtered"])
    assert second["name"].startswith("Tiny · noise 40 · detail 0.3")
    assert second["pixels"] == first["pixels"]


def test_each_run_is_one_step_to_undo(seen: dict[str, Any]) -> None:
    assert seen["ctrl+z 2"] == seen["filtered"]
    assert seen["ctrl+z 1"] == seen["opened"]
    assert seen["ctrl+y 2"] == seen["filtered"]
