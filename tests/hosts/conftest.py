"""A real GIMP for the tests marked `host`, and a photograph in every kind GIMP stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from cli.samples import ADOBE_RGB, SRGB
from hosts.rig import Gimp, Krita, virtual_screen
from numpy.typing import NDArray
from packages import write_package, write_upscaler

PROFILES = {"rgb32f": SRGB, "adobe": ADOBE_RGB}  # of kinds that are TIFF files
PHOTOGRAPH = Path(__file__).parent / "coffee.png"  # 97×71, public domain


@pytest.fixture(scope="session")
def gimp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    """GIMP with the plug-in for `tiny`, `tardy` (seconds of work a picture) and `upscaler`."""
    folder = tmp_path_factory.mktemp("models")
    write_package(folder, "tiny")
    write_package(folder, "tardy", width=128, blocks=12)
    write_upscaler(folder)
    host = Gimp(tmp_path_factory.mktemp("home"), folder)
    host.install()
    yield host
    host.rheostat("stop")


@pytest.fixture(scope="session")
def krita(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Krita]:
    """Krita with the plug-in for `tiny`, `tardy` (seconds of work a picture) and `upscaler`."""
    folder = tmp_path_factory.mktemp("krita-models")
    write_package(folder, "tiny")
    write_package(folder, "tardy", width=128, blocks=12)
    write_upscaler(folder)
    host = Krita(tmp_path_factory.mktemp("krita-home"), folder)
    host.install()
    yield host
    host.rheostat("stop")


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen."""
    with virtual_screen() as name:
        yield name


def photograph(kind: str) -> NDArray[Any]:
    """The photograph as rgb8, rgba8, gray8, graya8, rgb16 or rgb32f; alpha falls to the right."""
    rgb = imagecodecs.png_decode(PHOTOGRAPH.read_bytes())
    channels, depth = kind.rstrip("0123456789f"), kind.lstrip("abgry")
    colour = rgb if channels.startswith("rgb") else rgb[..., 1:2]
    if channels.endswith("a"):
        fall = np.linspace(255, 0, rgb.shape[1]).astype(np.uint8)
        alpha = np.broadcast_to(fall[None, :, None], (*rgb.shape[:2], 1))
        colour = np.concatenate([colour, alpha], axis=2)
    if depth == "16":  # values that 8 bits do not hold
        noise = np.random.default_rng(1).integers(0, 257, colour.shape, dtype=np.uint16)
        colour = colour.astype(np.uint16) * 256 + noise.clip(max=255)
    if depth == "32f":  # with light brighter than white
        grain = np.random.default_rng(1).random(colour.shape, np.float32)
        return np.ascontiguousarray((colour + grain) / np.float32(240))
    return np.ascontiguousarray(colour)


@pytest.fixture
def picture(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The photograph as a PNG file, or TIFF; `indirect` parametrisation chooses the kind.

    `adobe` has the colour space Adobe RGB (1998).
    """
    kind = getattr(request, "param", "rgb8")
    pixels = photograph("rgb8" if kind == "adobe" else kind)
    if kind in PROFILES:
        path = tmp_path / "picture.tif"
        tifffile.imwrite(path, pixels, photometric="rgb", iccprofile=PROFILES[kind])
        return path
    path = tmp_path / "picture.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    return path
