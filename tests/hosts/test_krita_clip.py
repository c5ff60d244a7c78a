"""A 24-frame clip in real Krita: noise goes from 10 to 50, as one animated layer, in one step."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.conftest import photograph
from hosts.rig import Krita
from numpy.typing import NDArray

pytestmark = pytest.mark.host

FRAMES = 24
HEIGHT, WIDTH = 40, 56


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The photograph, wandering by a pixel a frame."""
    folder = tmp_path_factory.mktemp("clip")
    rgb = photograph("rgb8")
    opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    files = []
    for number in range(FRAMES):
        part = rgb[10 : 10 + HEIGHT, number : number + WIDTH]
        files.append(folder / f"{number:02}.png")
        files[-1].write_bytes(imagecodecs.png_encode(np.concatenate([part, opaque], axis=2)))
    return files


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str, frames: list[Path]) -> dict[str, Any]:
    files = [str(file) for file in frames]
    return dict(krita.run("clip", display=display, files=files, width=WIDTH, height=HEIGHT))


def expected(krita: Krita, source: Path, out: Path, noise: float) -> NDArray[np.uint8]:
    krita.rheostat("filter", "tiny", str(source), str(out), "--set", f"noise={noise!r}")
    return np.asarray(imagecodecs.png_decode(out.read_bytes()))


def noise_at(frame: int) -> float:
    """Even along the slider, whose curve is a square root."""
    low, high = (10 / 75) ** 0.5, (50 / 75) ** 0.5
    return float(75 * (low + (high - low) * frame / (FRAMES - 1)) ** 2)


def test_sliders_follow_the_frame_that_is_shown(seen: dict[str, Any]) -> None:
    assert seen["is offered"]
    assert seen["between"]["noise"] == pytest.approx(noise_at(12), abs=0.5)


def test_a_cancelled_clip_leaves_nothing(seen: dict[str, Any]) -> None:
    assert seen["cancelled"]


def test_the_result_is_one_animated_layer_and_one_step(seen: dict[str, Any]) -> None:
    assert seen["frames"] == list(range(FRAMES)), seen["words"]
    assert seen["applied"] == [*seen["before"], "Tiny · clip"]
    assert seen["undo"] == seen["before"]
    assert seen["redo"] == seen["applied"]


@pytest.mark.parametrize("frame", [0, 11, 23])
def test_each_frame_has_its_own_value(
    seen: dict[str, Any], krita: Krita, frames: list[Path], tmp_path: Path, frame: int
) -> None:
    flat = np.frombuffer(b64decode(seen["pixels"][str(frame)]), np.uint8)
    pixels = flat.reshape(HEIGHT, WIDTH, 4)[..., [2, 1, 0, 3]]
    wanted = expected(krita, frames[frame], tmp_path / "out.png", noise_at(frame))
    np.testing.assert_array_equal(pixels, wanted)


def test_selecting_it_moves_the_sliders_and_begins_no_preview(seen: dict[str, Any]) -> None:
    words, noise, is_calm = seen["selected"]
    assert words.startswith("Made from 'clip'")
    assert noise == pytest.approx(noise_at(3), abs=0.5)
    assert is_calm


def test_its_record_names_no_map(seen: dict[str, Any]) -> None:
    assert seen["maps"] == [{}]


def test_the_layer_and_its_copies_remember_its_keys(seen: dict[str, Any]) -> None:
    assert seen["is copied"]
    assert {frame: key["noise"] for frame, key in seen["keys"].items()} == {"0": 10.0, "23": 50.0}
