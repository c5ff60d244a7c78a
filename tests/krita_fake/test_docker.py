"""The docker on PyQt5 and PyQt6, in the fake Krita, with a real daemon behind it."""

from __future__ import annotations

import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from cli.conftest import Command
from krita_fake.conftest import Run
from numpy.typing import NDArray
from rheostat_client import carried

WIDTH, HEIGHT = 48, 40
VALUES = {"noise": 24.0, "detail": 0.5}


@pytest.fixture(scope="module")
def outcome(run: Run) -> dict[str, Any]:
    return dict(run("filter"))


@pytest.fixture
def seen(outcome: dict[str, Any]) -> dict[str, Any]:
    return dict(outcome["seen"])


def rgba(pixels: str) -> NDArray[np.uint8]:
    return np.frombuffer(b64decode(pixels), np.uint8).reshape(HEIGHT, WIDTH, 4)


def swapped(pixels: str) -> NDArray[np.uint8]:
    """Krita's own bytes have blue first."""
    return np.ascontiguousarray(rgba(pixels)[..., [2, 1, 0, 3]])


@pytest.fixture
def expected(seen: dict[str, Any], rheostat: Command, tmp_path: Path) -> NDArray[np.uint8]:
    """What the command line makes of the same picture."""
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(imagecodecs.png_encode(swapped(seen["source"])))
    words = [word for name, value in VALUES.items() for word in ("--set", f"{name}={value}")]
    rheostat("filter", "tiny", source, out, *words)
    return np.asarray(imagecodecs.png_decode(out.read_bytes()))


def test_the_menu_shows_the_docker_and_its_sliders_move(seen: dict[str, Any]) -> None:
    assert seen["is shown"]
    assert seen["slid"] == 1.0  # nearest to 0.9, of whole steps
    assert seen["values"] == VALUES


def test_without_models_the_docker_only_says_so(run: Run, plug_in: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pykrita"
    shutil.copytree(plug_in, folder)
    (folder / "rheostat" / "models.json").write_text("[]")
    assert run("nothing", folder)["seen"] == {"words": "There is no model.", "can be used": False}


def test_the_preview_is_what_the_command_line_makes(
    seen: dict[str, Any], expected: NDArray[np.uint8]
) -> None:
    np.testing.assert_array_equal(rgba(seen["preview"]), expected)
    np.testing.assert_array_equal(rgba(seen["drawn"])[..., :3], expected[..., :3])


def test_only_far_enlarged_pixels_are_seen_as_such(
    seen: dict[str, Any], expected: NDArray[np.uint8]
) -> None:
    rows, columns = np.arange(HEIGHT)[:, None], np.arange(WIDTH)
    for zoom, is_sharp in ((1.5, False), (3.0, True)):
        nearest = expected[((rows + 0.5) / zoom).astype(int), ((columns + 0.5) / zoom).astype(int)]
        drawn = rgba(seen[f"at {zoom}"])
        assert np.array_equal(drawn[..., :3], nearest[..., :3]) == is_sharp
        assert np.abs(drawn.astype(float) - nearest).mean() < 25  # it is that picture


def test_left_of_the_divider_the_source_shows(seen: dict[str, Any]) -> None:
    whole, split, held = (rgba(seen[name])[..., 3] for name in ("drawn", "split", "held"))
    middle = WIDTH // 2
    assert whole.all()
    assert not split[:, : middle - 2].any()
    assert split[:, middle + 2 :].all()
    assert not held.any()
    assert seen["dragged"] == pytest.approx(0.25, abs=0.03)  # 12 of 48 pixels to the left


def test_apply_adds_the_result(seen: dict[str, Any], expected: NDArray[np.uint8]) -> None:
    assert seen["result"]["name"] == "Tiny · noise 24 · detail 0.5"
    np.testing.assert_array_equal(swapped(seen["result"]["pixels"]), expected)


def test_auto_finds_what_the_command_line_finds(
    seen: dict[str, Any], rheostat: Command, tmp_path: Path
) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(imagecodecs.png_encode(swapped(seen["source"])))
    (found,) = rheostat.json("filter", "tiny", source, tmp_path / "out.png", "--set", "noise=auto")
    assert seen["auto"] == found["controls"]["noise"]


def test_settings_come_back(outcome: dict[str, Any], seen: dict[str, Any]) -> None:
    assert seen["settings of the result"] == VALUES
    assert seen["preset"] == VALUES
    saved = carried.read(outcome["png"])
    assert saved is not None
    assert saved.controls == VALUES


def test_a_painted_control_acts_where_the_layer_is_white(seen: dict[str, Any]) -> None:
    assert "painted by Sky" in seen["maps"]
    painted, source = rgba(seen["painted"]), swapped(seen["source"])
    np.testing.assert_array_equal(painted[:, 30:], source[:, 30:])  # the network sees 9 pixels
    assert (painted[:, :10] != source[:, :10]).any()
    assert seen["is over"]
