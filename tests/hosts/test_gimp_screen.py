"""The plug-in in real GIMP as a person meets it: a menu entry, a dialog, a layer, undo."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp

pytestmark = pytest.mark.host

SIGMA = 20  # of noise, in 8-bit levels
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
    assert seen["ctrl+z 2, for files"]  # what a PNG of the image will say
    assert not seen["ctrl+z 1, for files"]
    assert seen["ctrl+y 2, for files"]


@pytest.fixture(scope="module")
def handled(gimp: Gimp, display: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a photograph with noise we know."""
    pixels = imagecodecs.png_decode((Path(__file__).parent / "coffee.png").read_bytes())
    grain = np.random.default_rng(0).normal(0, SIGMA, pixels.shape)
    folder = tmp_path_factory.mktemp("handled")
    picture, out = folder / "noisy.png", folder / "out.png"
    noisy = (pixels + grain).round().clip(0, 255).astype(np.uint8)
    picture.write_bytes(imagecodecs.png_encode(noisy))
    keys = {"key": gimp.shortcut("tiny"), "retune": gimp.shortcut("retune")}
    seen = dict(gimp.run("handled", display=display, picture=str(picture), model="Tiny", **keys))
    noise = seen["dropped"]["noise"]
    gimp.rheostat("filter", "tiny", str(picture), str(out), "--set", f"noise={noise}")
    return {**seen, "expected": imagecodecs.png_decode(out.read_bytes())}


def test_the_divider_hides_half_of_the_preview_and_gives_it_back(handled: dict[str, Any]) -> None:
    width, height = handled["all"]["size"]
    mask = np.frombuffer(b64decode(handled["split"]["mask"]["pixels"]), np.uint8)
    rows = mask.reshape(height, width)
    assert not rows[:, : round(width / 2)].any()
    assert (rows[:, round(width / 2) :] == 255).all()
    again = np.frombuffer(b64decode(handled["joined"]["mask"]["pixels"]), np.uint8)
    assert (again == 255).all()
    assert handled["joined"]["pixels"] == handled["all"]["pixels"]


def test_another_model_in_the_dialog_is_the_one_that_is_used_and_repeated(
    handled: dict[str, Any],
) -> None:
    assert handled["other"] == ["tardy", ""]
    assert handled["repeated"] == ["tardy", "tardy", ""]


def test_a_result_opens_its_dialog_again_and_is_changed_in_its_place(
    handled: dict[str, Any],
) -> None:
    assert handled["above what"].startswith("Tiny · noise 25")
    above, changed, _ = names(handled["retuned"])
    assert above.startswith("Tiny · noise 25")
    assert changed.startswith("Tiny · noise 7")
    assert handled["selected"] == [changed]


def test_auto_finds_the_noise_of_the_picture(handled: dict[str, Any]) -> None:
    assert handled["auto"] == pytest.approx(SIGMA, rel=0.25)


def test_after_a_fast_drag_the_preview_is_a_fresh_render_of_the_last_value(
    handled: dict[str, Any],
) -> None:
    assert handled["dropped"]["noise"] not in (25, handled["auto"])
    preview = np.frombuffer(b64decode(handled["dragged"]["pixels"]), np.uint8).reshape(-1, 4)
    np.testing.assert_array_equal(preview[:, :3], handled["expected"].reshape(-1, 3))
    assert b64decode(handled["dropped"]["pixels"]) == handled["expected"].tobytes()


def test_several_layers_in_one_dialog(handled: dict[str, Any]) -> None:
    assert len(handled["several"]) == 7
    assert handled["several"][0] == handled["several"][2] == "tiny"
