"""Colour: a network sees sRGB, the file keeps its own encoding."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from cli.samples import ADOBE_RGB, GAMMA_GRAY, SCANNER, SRGB, noise
from PIL import Image, ImageCms
from rheostatd.pictures import Metadata, Picture, Srgb

PROFILES = {"rgb": ADOBE_RGB, "gray": GAMMA_GRAY}
FORMS = ["rgb8", "rgba8", "rgb16", "rgba16", "rgb32f", "gray8", "graya8", "gray16", "graya16"]


def profiled(form: str, icc: bytes | None = None) -> Picture:
    return Picture(noise(form), Metadata(icc=icc or PROFILES[form.rstrip("a123468f")]))


@pytest.mark.parametrize("form", FORMS)
def test_untouched_pixels_come_back_bit_for_bit(form: str) -> None:
    picture = profiled(form)
    srgb = Srgb(picture)
    assert srgb.picture.depth == "32f"
    assert srgb.picture.alpha.shape == picture.alpha.shape
    restored = srgb.restore(srgb.picture.tobytes())
    np.testing.assert_array_equal(restored.pixels, picture.pixels)
    assert restored.metadata == picture.metadata


@pytest.mark.parametrize("form", FORMS)
def test_touched_pixels_come_back_in_their_own_encoding(form: str) -> None:
    picture = profiled(form)
    srgb = Srgb(picture)
    result = (srgb.picture.pixels * np.float32(0.9)).clip(0.05, 0.9)
    restored = srgb.restore(result.tobytes())
    assert restored.metadata == picture.metadata
    assert not np.array_equal(restored.colour, picture.colour)
    np.testing.assert_array_equal(restored.alpha, picture.alpha)
    seen = Srgb(restored).picture.colour
    within = (srgb.picture.colour > 0).all(axis=2) & (srgb.picture.colour < 1).all(axis=2)
    step = {"8": 0.02, "16": 1e-4, "32f": 1e-4}[picture.depth]
    colours = picture.colour.shape[2]
    assert np.abs(seen - result[..., :colours])[within].max() < step


def test_the_network_sees_what_a_colour_manager_shows() -> None:
    pixels = noise("rgb8")
    seen = Srgb(profiled("rgb8")).picture.pixels
    adobe, srgb = (ImageCms.ImageCmsProfile(io.BytesIO(icc)) for icc in (ADOBE_RGB, SRGB))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), adobe, srgb, intent)
    assert expected is not None
    assert np.abs(seen * 255 - np.asarray(expected)).max() <= 1.5
    assert (seen >= 0).all()
    assert (seen <= 1).all()


def test_saturated_colours_of_a_wide_gamut_survive_a_filter() -> None:
    pixels = np.zeros((4, 4, 3), np.uint16)
    pixels[..., 1] = 60_000  # a green that sRGB does not have: cut off, its red would be 37 000
    srgb = Srgb(Picture(pixels, Metadata(icc=ADOBE_RGB)))
    sent = srgb.picture.pixels
    assert sent.min() == 0
    restored = srgb.restore((sent + np.float32(0.001)).tobytes())
    assert np.abs(restored.pixels.astype(int) - pixels).max() < 3000


@pytest.mark.parametrize(
    "icc",
    [
        None,
        SRGB,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_srgb_goes_as_it_is(icc: bytes | None) -> None:
    picture = Picture(noise("rgb8"), Metadata(icc=icc))
    srgb = Srgb(picture)
    assert srgb.picture.tobytes() == picture.tobytes()
    assert srgb.picture.format.name == "rgb8"
    assert srgb.warnings == ()
    assert srgb.restore(bytes(picture.pixels.nbytes)).metadata.icc == icc


@pytest.mark.parametrize(
    ("icc", "words"),
    [
        (GAMMA_GRAY, "one for GRAY"),
        (b"nonsense", "one for"),
        (ADOBE_RGB[:200], "cannot be used"),
        (imagecodecs.cms_profile("rgb", gamma=2.2)[:300], "cannot be used"),
        (SCANNER, "cannot be used"),
    ],
)
def test_a_profile_that_does_not_fit_is_kept_and_told(icc: bytes, words: str) -> None:
    picture = Picture(noise("rgb8"), Metadata(icc=icc))
    srgb = Srgb(picture)
    (sentence,) = srgb.warnings
    assert words in sentence
    assert srgb.picture.tobytes() == picture.tobytes()
    assert srgb.restore(picture.tobytes()).metadata.icc == icc
