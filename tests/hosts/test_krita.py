"""The docker in real Krita on a virtual screen: preview over the canvas, apply, undo, re-tune."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Krita
from numpy.typing import NDArray

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"
SHOTS = Path(__file__).parents[2] / "build" / "hosts"


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    file = tmp_path_factory.mktemp("krita") / "picture.kra"
    krita.rheostat("models")  # so that the daemon runs
    result = krita.run(
        "filter",
        display=display,
        picture=str(COFFEE),
        shots=str(SHOTS),
        file=str(file),
        daemon=krita.daemon(),
    )
    for when, key in (("in a drag", ""), ("while the daemon dies", " without a daemon")):
        print(
            f"longest time without Krita's loop {when}: {1000 * result['longest gap' + key]:.0f} ms"
        )
    return dict(result)


def rgba(pixels: str) -> NDArray[np.uint8]:
    return np.frombuffer(b64decode(pixels), np.uint8).reshape(-1, 4)


def layer(state: dict[str, Any], at: int) -> NDArray[np.uint8]:
    """Krita's own bytes are BGRA."""
    return rgba(state["layers"][at]["pixels"])[:, [2, 1, 0, 3]]


def expected(krita: Krita, folder: Path, *settings: str) -> NDArray[np.uint8]:
    """What the command line makes of the same pixels, which Krita gives with alpha."""
    source, out = folder / "in.png", folder / "out.png"
    rgb = imagecodecs.png_decode(COFFEE.read_bytes())
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    source.write_bytes(imagecodecs.png_encode(np.concatenate([rgb, opaque], axis=2)))
    words = [word for setting in settings for word in ("--set", setting)]
    krita.rheostat("filter", "tiny", str(source), str(out), *words)
    return np.asarray(imagecodecs.png_decode(out.read_bytes())).reshape(-1, 4)


def test_after_fast_drags_the_overlay_shows_the_last_value(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    np.testing.assert_array_equal(rgba(seen["dragged"]), expected(krita, tmp_path, "noise=24"))


def test_the_overlay_lies_where_the_picture_does(seen: dict[str, Any]) -> None:
    for drawn, wanted in seen["transforms"]:
        np.testing.assert_allclose(drawn, wanted, atol=0.01)


def test_cancel_leaves_document_undo_and_modified_flag_as_they_were(seen: dict[str, Any]) -> None:
    assert seen["cancelled"] == seen["opened"]
    assert seen["opened"]["modified"] is False


def test_apply_paints_a_layer_above_in_one_step(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    source, result = seen["applied"]["layers"]
    assert result["name"] == "Tiny · noise 24 · detail 0.3"
    assert [source] == seen["opened"]["layers"]
    np.testing.assert_array_equal(layer(seen["applied"], 1), expected(krita, tmp_path, "noise=24"))
    assert seen["opened"]["undo"] == []
    assert seen["applied"]["undo"] == ["Add Layer"]
    for key in ("layers", "undo"):  # the record that stays in the document makes it modified
        assert seen["undone"][key] == seen["opened"][key]
        assert seen["redone"][key] == seen["applied"][key]


def test_after_saving_a_result_brings_its_settings_back_and_is_replaced(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    assert seen["settings of the result"] == {"noise": 24.0, "detail": 0.3}
    source, result = seen["retuned"]["layers"]
    assert source == seen["opened"]["layers"][0]
    assert result["name"] == "Tiny · noise 40 · detail 0.3"
    assert seen["retuned"]["undo"] == ["Add Layer", "Remove Layer"]
    np.testing.assert_array_equal(layer(seen["retuned"], 1), expected(krita, tmp_path, "noise=40"))


def test_a_killed_daemon_leaves_the_document_alone_and_is_replaced(seen: dict[str, Any]) -> None:
    assert seen["untouched by the death"]


def test_a_painted_control_acts_where_the_layer_is_white(
    seen: dict[str, Any], krita: Krita, tmp_path: Path
) -> None:
    painted = rgba(seen["painted"]).reshape(71, 97, 4)
    whole = expected(krita, tmp_path, "noise=40").reshape(71, 97, 4)
    source = layer(seen["opened"], 0).reshape(71, 97, 4)
    np.testing.assert_array_equal(painted[:, 50:], source[:, 50:])  # the network sees 9 pixels
    assert np.abs(painted[:, :30].astype(int) - whole[:, :30]).max() <= 1
    record = json.loads(json.loads(seen["painted record"])[seen["painted layer"]])
    assert record["maps"] == {"noise": {"name": "Sky"}}


def test_a_preset_moves_the_sliders_back(seen: dict[str, Any]) -> None:
    assert seen["preset"] == {"noise": 40.0, "detail": 0.3}


def test_a_selection_is_a_mask_of_the_result(seen: dict[str, Any]) -> None:
    mask = np.frombuffer(b64decode(seen["mask"]), np.uint8).reshape(71, 97)
    assert (mask[10:40, 20:60] == 200).all()
    assert mask.sum() == 200 * 40 * 30
