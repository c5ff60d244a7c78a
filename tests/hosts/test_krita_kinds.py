"""Apply in real Krita equals the command line's pixels, whatever the layer is."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from cli.samples import SRGB
from hosts.conftest import photograph
from hosts.rig import Krita
from numpy.typing import NDArray

pytestmark = pytest.mark.host

DEPTHS: dict[str, Any] = {
    "U8": np.uint8,
    "U16": np.uint16,
    "F16": np.float16,
    "F32": np.float32,
}
KINDS = {"U8": "rgb8", "U16": "rgb16", "F32": "rgb32f"}
HEIGHT, WIDTH = 71, 97
CASES: dict[str, dict[str, Any]] = {
    "U8": {},
    "U16": {"depth": "U16"},
    "F32": {"depth": "F32"},
    "transparent": {"alpha": True},
    "transparent U16": {"depth": "U16", "alpha": True},
    "negative offset": {"x": -10, "y": -7},
    "group member": {"is in a group": True},
    "feathered selection": {"selection": True},
}
CONVERTED: dict[str, dict[str, Any]] = {  # by Krita, to sRGB and back; "" is its default profile
    "F16": {"depth": "F16"},
    "linear F16": {"depth": "F16", "profile": "sRGB-elle-V2-g10.icc"},
    "linear U16": {"depth": "U16", "profile": "sRGB-elle-V2-g10.icc"},
    "CMYK": {"model": "CMYKA", "depth": "U8", "profile": ""},
    "Lab": {"model": "LABA", "depth": "U16", "profile": ""},
    "grey": {"model": "GRAYA", "depth": "U8", "profile": ""},
}
CHANNELS = {"RGBA": 4, "CMYKA": 5, "LABA": 4, "GRAYA": 2}


def picture(depth: str, alpha: bool) -> NDArray[Any]:
    """The photograph as RGBA; the left third is clear and fades in, if `alpha`."""
    rgb = photograph(KINDS[depth])
    top = 1.0 if depth == "F32" else np.iinfo(DEPTHS[depth]).max
    fade = np.clip(np.linspace(-0.5, 1, WIDTH), 0, 1) if alpha else np.ones(WIDTH)
    opacity = np.broadcast_to((fade * top)[None, :, None], (HEIGHT, WIDTH, 1))
    return np.concatenate([rgb, opacity.astype(rgb.dtype)], axis=2)


def stored(case: dict[str, Any]) -> NDArray[Any]:
    """The photograph as a layer of another kind has it, nearly; alpha last."""
    model, depth = case.get("model", "RGBA"), case["depth"]
    rgb = photograph("rgb8").astype(np.float64) / 255
    grey, opaque = rgb.mean(axis=2, keepdims=True), np.ones((HEIGHT, WIDTH, 1))
    channels = {
        "RGBA": [rgb if depth.startswith("F") else rgb[..., ::-1], opaque],
        "CMYKA": [1 - rgb, grey / 8, opaque],
        "LABA": [grey, 0.5 + (rgb[..., :2] - grey) / 4, opaque],
        "GRAYA": [grey, np.linspace(0.2, 1, WIDTH)[None, :, None] * opaque],
    }[model]
    values = np.concatenate(channels, axis=2)
    if depth.startswith("F"):
        return values.astype(DEPTHS[depth])
    return (values * np.iinfo(DEPTHS[depth]).max).round().astype(DEPTHS[depth])


def kritas(pixels: NDArray[Any]) -> NDArray[Any]:
    """Krita has blue first where values are whole numbers."""
    return pixels if pixels.dtype == np.float32 else pixels[..., [2, 1, 0, 3]]


def feathered() -> NDArray[np.uint8]:
    """A selection that fades from the middle of the picture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(x - 50, y - 35)
    fade: NDArray[np.uint8] = np.clip(255 * (30 - distance) / 20, 0, 255).astype(np.uint8)
    return fade


@pytest.fixture(scope="module")
def seen(
    krita: Krita, display: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "selection").write_bytes(feathered().tobytes())
    cases = {}
    for name, case in {**CASES, **CONVERTED}.items():
        depth = case.get("depth", "U8")
        file = folder / name
        is_plain = name in CASES
        pixels = kritas(picture(depth, case.get("alpha", False))) if is_plain else stored(case)
        file.write_bytes(np.ascontiguousarray(pixels).tobytes())
        cases[name] = {
            **case,
            "depth": depth,
            "file": str(file),
            "width": WIDTH,
            "height": HEIGHT,
            "across": WIDTH,
            "down": HEIGHT,
            "x": case.get("x", 0),
            "y": case.get("y", 0),
            "is in a group": case.get("is in a group", False),
            "selection": str(folder / "selection") if case.get("selection") else "",
        }
    return dict(krita.run("kinds", display=display, cases=cases))


def decoded(text: str, case: dict[str, Any], depth: str) -> NDArray[Any]:
    _, _, width, height = case["box"]
    flat = np.frombuffer(b64decode(text), DEPTHS[depth])
    return kritas(flat.reshape(height, width, 4))


def from_command_line(krita: Krita, folder: Path, pixels: NDArray[Any]) -> NDArray[Any]:
    pixels = np.ascontiguousarray(pixels)
    suffix = "tif" if pixels.dtype == np.float32 else "png"
    source, out = folder / f"in.{suffix}", folder / f"out.{suffix}"
    if suffix == "tif":
        extra = ["unassalpha"]
        tifffile.imwrite(source, pixels, photometric="rgb", extrasamples=extra, iccprofile=SRGB)
    else:
        source.write_bytes(imagecodecs.png_encode(pixels))
    krita.rheostat("filter", "tiny", str(source), str(out), "--set", "noise=24")
    if suffix == "tif":
        return np.asarray(tifffile.imread(out))
    return np.asarray(imagecodecs.png_decode(out.read_bytes()))


@pytest.mark.parametrize("name", CASES)
def test_apply_equals_the_command_line(
    seen: dict[str, dict[str, Any]], krita: Krita, tmp_path: Path, name: str
) -> None:
    case, depth = seen[name], CASES[name].get("depth", "U8")
    source = decoded(case["source"], case, depth)
    result = decoded(case["pixels"], case, depth)
    assert case["space"] == ["RGBA", depth, "sRGB-elle-V2-srgbtrc.icc"]
    wanted = from_command_line(krita, tmp_path, source)
    assert not np.array_equal(source, wanted)
    where = np.ones(source.shape[:2], bool)
    if CASES[name].get("selection"):  # only its box was rendered
        rows, columns = np.nonzero(feathered())
        where[:] = False
        where[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        assert not result[~where].any()
    if depth == "F32":
        np.testing.assert_allclose(result[where], wanted[where], atol=1e-6)
    else:
        np.testing.assert_array_equal(result[where], wanted[where])


@pytest.fixture(scope="module")
def wanted(
    seen: dict[str, dict[str, Any]],
    krita: Krita,
    display: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, NDArray[Any]]:
    """What Krita makes of what the command line makes of what Krita makes of the sources."""
    cases = {}
    for name in CONVERTED:
        folder = tmp_path_factory.mktemp("converted")
        flat = np.frombuffer(b64decode(seen[name]["as floats"]), np.float32)
        filtered = from_command_line(krita, folder, flat.reshape(HEIGHT, WIDTH, 4))
        assert not np.array_equal(filtered.ravel(), flat)
        file = folder / name
        file.write_bytes(np.ascontiguousarray(filtered).tobytes())
        space = seen[name]["document"]
        cases[name] = {"file": str(file), "width": WIDTH, "height": HEIGHT, "space": space}
    found = krita.run("converted", display=display, cases=cases)
    return {name: plain(text, CONVERTED[name]) for name, text in found.items()}


def plain(text: str, case: dict[str, Any]) -> NDArray[Any]:
    """Pixels as Krita has them."""
    shape = (HEIGHT, WIDTH, CHANNELS[case.get("model", "RGBA")])
    return np.frombuffer(b64decode(text), DEPTHS[case["depth"]]).reshape(shape)


@pytest.mark.parametrize("name", CONVERTED)
def test_apply_equals_the_command_line_within_kritas_conversion(
    seen: dict[str, dict[str, Any]], wanted: dict[str, NDArray[Any]], name: str
) -> None:
    result = plain(seen[name]["pixels"], CONVERTED[name])
    if result.dtype == np.float16:
        np.testing.assert_allclose(result, wanted[name], rtol=2e-3, atol=1e-4)  # a last digit
    else:
        assert np.abs(result.astype(int) - wanted[name]).max() <= 1


@pytest.mark.parametrize("name", [*CASES, *CONVERTED])
def test_document_and_source_keep_their_pixels_and_profile(
    seen: dict[str, dict[str, Any]], name: str
) -> None:
    case = seen[name]
    assert case["is untouched"]
    assert case["space"] == case["document"]
    given = {**CASES, **CONVERTED}[name]
    model, depth, profile = case["space"]
    assert (model, depth) == (given.get("model", "RGBA"), given.get("depth", "U8"))
    assert profile == (given.get("profile", "sRGB-elle-V2-srgbtrc.icc") or profile)


@pytest.mark.parametrize("name", [*CASES, *CONVERTED])
def test_one_step_back_and_forth(seen: dict[str, dict[str, Any]], name: str) -> None:
    case = seen[name]
    assert len(case["names"]) == len(case["before"]) + 1
    assert case["undo"] == case["before"]
    assert case["redo"] == case["names"]


def test_the_selection_is_the_mask(seen: dict[str, dict[str, Any]]) -> None:
    mask = np.frombuffer(b64decode(seen["feathered selection"]["mask"]), np.uint8)
    np.testing.assert_array_equal(mask.reshape(HEIGHT, WIDTH), feathered())
