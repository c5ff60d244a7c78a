"""The canvas follows the sliders in real GIMP, and is as it was when the dialog has gone."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp
from numpy.typing import NDArray

pytestmark = pytest.mark.host

SHOTS = Path(__file__).parents[2] / "build" / "hosts"


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A megapixel."""
    small = imagecodecs.png_decode((Path(__file__).parent / "coffee.png").read_bytes())
    path = tmp_path_factory.mktemp("live") / "photograph.png"
    path.write_bytes(imagecodecs.png_encode(np.tile(small, (14, 11, 1))[:1000, :1000]))
    return path


@pytest.fixture(scope="module")
def seen(gimp: Gimp, display: str, photograph: Path) -> dict[str, Any]:
    """What the canvas showed after each step; times are printed."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    gimp.rheostat("models")  # so that the daemon runs
    result = gimp.run(
        "live",
        display=display,
        picture=str(photograph),
        key=gimp.shortcut("tiny"),
        model="Tiny",
        daemon=gimp.daemon(),
        shots=str(SHOTS),
    )
    times = ", ".join(f"{1000 * seconds:.0f}" for seconds in result["latency"])
    print(f"slider to screen at one megapixel: {times} ms")
    return dict(result)


@pytest.mark.parametrize("megapixels", [12, 24])
def test_a_large_photograph_opens_previews_and_follows(
    gimp: Gimp, display: str, tmp_path: Path, megapixels: int
) -> None:
    """Times are printed, not judged."""
    small = imagecodecs.png_decode((Path(__file__).parent / "coffee.png").read_bytes())
    width, height = {12: (4000, 3000), 24: (6000, 4000)}[megapixels]
    times = (-(-height // small.shape[0]), -(-width // small.shape[1]), 1)
    picture = tmp_path / "large.png"
    picture.write_bytes(imagecodecs.png_encode(np.tile(small, times)[:height, :width], level=1))
    gimp.rheostat("models")
    seen = gimp.run(
        "large",
        display=display,
        picture=str(picture),
        key=gimp.shortcut("tiny"),
        model="Tiny",
        values=["40", "15", "60"],
    )
    later = ", ".join(f"{1000 * seconds:.0f}" for seconds in seen["later"])
    print(
        f"{megapixels} megapixels: dialog {seen['dialog']:.2f} s, first preview "
        f"{seen['first']:.2f} s later, slider to screen {later} ms, plug-in's memory "
        f"{seen['memory'] / 1e6:.0f} MB"
    )
    assert seen["memory"] < 300e6 + 12 * 1e6 * megapixels  # a few copies of the pixels
    assert seen["layers"] == 1


def colours(layer: dict[str, Any]) -> NDArray[np.uint8]:
    """The pixels without alpha."""
    pixels = np.frombuffer(b64decode(layer["pixels"]), np.uint8)
    channels = 4 if layer["format"].startswith("R'G'B'A") else 3
    return pixels.reshape(-1, channels)[:, :3]


def test_after_fast_drags_the_canvas_shows_the_last_value(
    seen: dict[str, Any], gimp: Gimp, photograph: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    gimp.rheostat("filter", "tiny", str(photograph), str(out), "--set", "noise=24")
    expected = imagecodecs.png_decode(out.read_bytes()).reshape(-1, 3)
    np.testing.assert_array_equal(colours(seen["dragged"]), expected)
    assert seen["dragged"]["pixels"] != seen["first"]["pixels"]


def test_escape_leaves_image_undo_list_and_modified_flag_as_they_were(
    seen: dict[str, Any],
) -> None:
    assert seen["opened"]["dirty"] is False
    assert seen["cancelled"] == seen["opened"]


def test_a_killed_plug_in_leaves_a_layer_that_the_next_one_takes_out(
    seen: dict[str, Any],
) -> None:
    stray, *rest = seen["killed"]["layers"]
    assert stray["name"] == "Rheostat preview"
    assert rest == seen["opened"]["layers"]
    assert seen["swept"]["layers"] == seen["opened"]["layers"]


def test_a_killed_daemon_is_replaced_and_the_result_is_what_was_shown(
    seen: dict[str, Any],
) -> None:
    result, source = seen["accepted"]["layers"]
    assert result["name"] == "Tiny · noise 24 · detail 0.3"
    np.testing.assert_array_equal(colours(result), colours(seen["dragged"]))
    assert [source] == seen["opened"]["layers"]
    assert seen["undone"]["layers"] == seen["opened"]["layers"]
