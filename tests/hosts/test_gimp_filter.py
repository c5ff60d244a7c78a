"""The plug-in in real GIMP, without a screen: what it paints, where, what the layer remembers."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hosts.rig import Gimp
from numpy.typing import NDArray
from packages import write_package
from rheostat_client.settings import Settings

pytestmark = pytest.mark.host


def pixels(layer: dict[str, Any]) -> bytes:
    return b64decode(layer["pixels"])


def values_of(layer: dict[str, Any]) -> NDArray[np.int16]:
    return np.frombuffer(pixels(layer), np.uint8).astype(np.int16)


def test_every_model_has_an_entry(gimp: Gimp) -> None:
    entry = gimp.run("entry", model="tiny")
    assert entry["menu"] == ["<Image>/Filters/Rheostat"]
    assert entry["label"] == "Tiny…"
    assert entry["types"] == "RGB*, GRAY*"
    assert entry["controls"] == {"noise": [0, 75, 25], "detail": [0, 1, 0.3]}


@pytest.mark.parametrize("picture", ["rgb8", "rgba8", "gray8", "graya8", "rgb16"], indirect=True)
def test_pixels_equal_the_command_lines(gimp: Gimp, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    gimp.rheostat(
        "filter", "tiny", str(picture), str(out), "--set", "noise=30", "--set", "detail=0.6"
    )
    seen = gimp.run("filter", picture=str(picture), noise=30, detail=0.6)
    result, source = seen["after"]
    assert result["name"] == "Tiny · noise 30 · detail 0.6"
    assert result["format"] == source["format"]
    expected = imagecodecs.png_decode(out.read_bytes())
    np.testing.assert_array_equal(np.frombuffer(pixels(result), expected.dtype), expected.ravel())
    assert pixels(result) != pixels(source)
    assert [source] == seen["before"]
    assert seen["selected"] == [source["id"]]


@pytest.mark.parametrize(
    ("picture", "error"), [("rgb32f", 1e-5), ("adobe", 1)], indirect=["picture"]
)
def test_float_and_wide_colour_equal_the_command_lines(
    gimp: Gimp, picture: Path, tmp_path: Path, error: float
) -> None:
    """Up to the arithmetic by which GIMP and the command line convert colours."""
    out = tmp_path / "out.tif"
    gimp.rheostat("filter", "tiny", str(picture), str(out), "--set", "noise=30")
    expected, before = tifffile.imread(out), tifffile.imread(picture)
    result, source = gimp.run("filter", picture=str(picture), noise=30)["after"]
    assert result["format"] == source["format"]
    assert pixels(source) == before.tobytes()
    found = np.frombuffer(pixels(result), expected.dtype).reshape(expected.shape).astype(float)
    difference = np.abs(found - expected)
    assert np.mean(difference > error) < 0.01
    assert difference.max() <= 4 * error  # in the darkest colours
    assert np.abs(found - before).mean() > 5 * error


def test_a_layer_in_a_group_beside_the_canvas_equals_the_command_lines(
    gimp: Gimp, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    gimp.rheostat("filter", "tiny", str(picture), str(out), "--set", "noise=20")
    (group,) = gimp.run("nested", picture=str(picture))["after"]
    assert pixels(group["children"][1]) == imagecodecs.png_decode(out.read_bytes()).tobytes()


@pytest.mark.parametrize("picture", ["rgba8", "rgb16"], indirect=True)
def test_off_is_the_source_bit_for_bit(gimp: Gimp, picture: Path) -> None:
    result, source = gimp.run("filter", picture=str(picture), noise=0)["after"]
    assert pixels(result) == pixels(source)


def test_every_precision_and_colour_space_gives_the_same_picture(gimp: Gimp, picture: Path) -> None:
    usual = "U8_NON_LINEAR"
    others = ["U8_LINEAR", "U8_PERCEPTUAL", "U16_LINEAR", "U32_NON_LINEAR", "HALF_LINEAR"]
    others += ["FLOAT_LINEAR", "DOUBLE_PERCEPTUAL"]
    seen = gimp.run("precisions", picture=str(picture), precisions=[usual, *others], noise=30)
    expected = values_of(seen[usual]["layers"][0])
    for kind, images in seen.items():
        assert images["outcome"]["status"] == "success", kind
        result, source = (values_of(layer) for layer in images["layers"])
        # 8 bits of linear light, or of a wider space, hold other values before the filter runs.
        assert np.abs(result - expected).mean() < 2, kind
        assert np.abs(result - source).mean() > 10, kind


def test_new_layer_stands_directly_above_its_source(gimp: Gimp, picture: Path) -> None:
    seen = gimp.run("nested", picture=str(picture))
    (group,), (before,) = seen["after"], seen["before"]
    above, result, source, below = group["children"]
    assert [above, source, below] == before["children"]
    assert result["offsets"] == source["offsets"] == [-20, 13]
    assert result["mask"]["pixels"] == source["mask"]["pixels"]
    assert (source["mode"], source["opacity"]) == ("multiply", 50)
    assert (result["mode"], result["opacity"]) == ("normal", 100)
    assert pixels(result) != pixels(source)


def test_record_outlives_the_program(gimp: Gimp, picture: Path, tmp_path: Path) -> None:
    seen = gimp.run("reopen", picture=str(picture), file=str(tmp_path / "image.xcf"), noise=12.5)
    (saved, _), (loaded, source) = seen["saved"], seen["loaded"]
    assert loaded["record"] == saved["record"]
    assert pixels(loaded) == pixels(saved)
    settings = Settings.from_json(loaded["record"])
    (tiny,) = (m for m in json.loads(gimp.rheostat("models", "--json")) if m["id"] == "tiny")
    assert (settings.model, settings.version, settings.digest) == (
        "tiny",
        tiny["version"],
        tiny["digest"],
    )
    assert settings.controls == {"noise": 12.5, "detail": 0.3}
    assert settings.source["tattoo"] == source["tattoo"]
    assert settings.source["name"] == source["name"]
    assert seen["source"] == source["name"]


def test_a_model_installed_later_gets_an_entry_too(gimp: Gimp) -> None:
    gimp.run("entry", model="tiny")
    write_package(gimp.models, "late")
    gimp.install()
    assert gimp.run("entry", model="late")["controls"].keys() == {"noise", "detail"}
