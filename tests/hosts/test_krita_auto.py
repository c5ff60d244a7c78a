"""Auto in real Krita: the slider goes where the command line's Auto does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.conftest import photograph
from hosts.rig import Krita

pytestmark = pytest.mark.host

SIGMA = 20  # of noise, in 8-bit levels


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photograph four times, with noise; with alpha, as Krita has it."""
    clean = np.tile(photograph("rgb8"), (2, 2, 1)).astype(float)
    spoilt = clean + np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    opaque = np.full((*clean.shape[:2], 1), 255)
    pixels = np.concatenate([spoilt.round().clip(0, 255), opaque], axis=2).astype(np.uint8)
    path = tmp_path_factory.mktemp("auto") / "noisy.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    return path


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str, noisy: Path) -> dict[str, Any]:
    small = noisy.with_name("small.png")
    small.write_bytes(imagecodecs.png_encode(np.full((5, 5, 4), 255, np.uint8)))
    return dict(krita.run("auto", display=display, picture=str(noisy), small=str(small)))


def test_it_is_offered_where_the_model_has_an_estimate(seen: dict[str, Any]) -> None:
    assert seen["buttons"] == {"noise": True, "detail": False}


@pytest.mark.parametrize("preview", ["with", "without"])
def test_the_slider_goes_where_the_command_line_goes(
    seen: dict[str, Any], krita: Krita, noisy: Path, preview: str
) -> None:
    out = str(noisy.with_name("out.png"))
    words = ("filter", "tiny", str(noisy), out, "--overwrite", "--set", "noise=auto", "--json")
    (said,) = json.loads(krita.rheostat(*words))
    assert seen[preview] == said["controls"]
    assert said["controls"]["noise"] == pytest.approx(SIGMA, rel=0.25)


def test_without_a_preview_nothing_is_shown(seen: dict[str, Any]) -> None:
    assert not seen["overlay"]
    assert seen["is untouched"]


def test_where_the_pixels_do_not_tell_the_slider_stays(seen: dict[str, Any]) -> None:
    assert seen["small"] == 3
