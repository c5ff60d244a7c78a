"""Pixel formats and the address of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client.errors import RheostatError
from rheostat_client.pixels import FORMATS, content_hash, hasher, opaque, pixel_format


@pytest.mark.parametrize(
    ("name", "size", "has_alpha"),
    [("gray8", 6, False), ("graya16", 24, True), ("rgb8", 18, False), ("rgba32f", 96, True)],
)
def test_a_format_tells_its_bytes(name: str, size: int, has_alpha: bool) -> None:
    form = pixel_format(name)
    assert (form.size(3, 2), form.has_alpha) == (size, has_alpha)


def test_every_layout_has_every_depth() -> None:
    assert len(FORMATS) == 12


@pytest.mark.parametrize(
    ("form", "dtype", "full"), [("8", "u1", 255), ("16", "<u2", 65535), ("32f", "<f4", 1.0)]
)
@pytest.mark.parametrize(("layout", "channels"), [("gray", 1), ("rgb", 3)])
def test_opaque_adds_full_alpha_and_changes_no_colour(
    form: str, dtype: str, full: float, layout: str, channels: int
) -> None:
    colours = np.arange(6 * channels).astype(dtype).reshape(6, channels)
    name, pixels = opaque(layout + form, colours.tobytes())
    assert name == f"{layout}a{form}"
    both = np.frombuffer(pixels, dtype).reshape(6, channels + 1)
    np.testing.assert_array_equal(both[:, :channels], colours)
    assert (both[:, channels] == full).all()
    assert opaque(name, pixels) == (name, pixels)


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(RheostatError, match="rgb8") as refused:
        pixel_format("rgb88")
    assert refused.value.code == "bad-format"


@given(st.binary(max_size=64), st.integers(0, 64))
def test_the_hash_of_a_picture_can_run_along_its_pieces(data: bytes, cut: int) -> None:
    running = hasher("gray8", len(data), 1)
    running.update(data[:cut])
    running.update(data[cut:])
    assert running.hexdigest() == content_hash(data, "gray8", len(data), 1)


def test_the_same_bytes_in_another_shape_are_another_picture() -> None:
    data = bytes(24)
    shapes = [("gray8", 6, 4), ("gray8", 4, 6), ("rgb8", 4, 2), ("gray16", 4, 3)]
    assert len({content_hash(data, *shape) for shape in shapes}) == 4


def test_the_hash_is_what_it_always_was() -> None:
    """A client of one version meets a daemon of another."""
    assert content_hash(bytes(range(6)), "rgb8", 2, 1) == "a7500cb13c5c09030216008859feda15"
