"""Raw bytes become what a network sees, and come back, without losing anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rheostat_client.pixels import FORMATS
from rheostatd.raster import Box, Picture, Values, fill, hidden, pack, pad, unpack


def picture(values: Values, form: str) -> Picture:
    height, width, _ = values.shape
    return Picture(FORMATS[form], width, height, values.tobytes())


@pytest.mark.parametrize(
    ("form", "dtype"), [("gray8", "u1"), ("gray16", "<u2"), ("graya8", "u1"), ("rgb16", "<u2")]
)
def test_every_whole_number_survives_the_way_to_float_and_back(form: str, dtype: str) -> None:
    channels = FORMATS[form].channels
    count = np.iinfo(dtype).max + 1
    values = np.arange(count, dtype=dtype).repeat(channels).reshape(-1, 256, channels)
    colour = unpack(values, FORMATS[form])
    assert colour.shape == (3, *values.shape[:2])
    assert colour.dtype == torch.float32
    assert (colour.min().item(), colour.max().item()) == (0, 1)
    assert np.array_equal(pack(colour, values, FORMATS[form]), values)


@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_whole_numbers_are_rounded_to_nearest_and_kept_in_range(dtype: str) -> None:
    top = np.iinfo(dtype).max
    wanted = torch.tensor([0.4, 0.6, 100.49, 100.51, top + 3.0, -3.0], dtype=torch.float64)
    colour = (wanted / top).float().expand(3, 1, -1)
    packed = pack(colour, np.zeros((1, 6, 3), dtype), FORMATS["rgb8" if top == 255 else "rgb16"])
    assert packed[0, :, 0].tolist() == [0, 1, 100, 101, top, 0]


def test_floats_outside_the_unit_range_are_kept() -> None:
    values = np.array([[[-2.5, 0.25, 8.0]]], np.float32)
    assert np.array_equal(
        pack(unpack(values, FORMATS["rgb32f"]), values, FORMATS["rgb32f"]), values
    )


def test_grey_is_the_mean_of_the_three() -> None:
    colour = torch.tensor([0.1, 0.2, 0.6]).reshape(3, 1, 1)
    packed = pack(colour, np.zeros((1, 1, 1), np.float32), FORMATS["gray32f"])
    assert packed.item() == pytest.approx(0.3)


def test_transparent_and_unreadable_pixels_keep_their_colour_and_alpha_is_never_touched() -> None:
    form = FORMATS["rgba32f"]
    values = np.full((1, 3, 4), 0.5, np.float32)
    values[0, 0, 3] = 0
    values[0, 1, 0] = np.nan
    assert hidden(values, form).tolist() == [[True, True, False]]
    packed = pack(torch.ones(3, 1, 3), values, form)
    assert np.array_equal(packed[0, :2], values[0, :2], equal_nan=True)
    assert packed[0, 2].tolist() == [1, 1, 1, 0.5]


def test_values_are_a_window_that_cannot_be_written() -> None:
    values = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    window = picture(values, "rgb8").values(Box(1, 2, 3, 2))
    assert np.array_equal(window, values[2:4, 1:4])
    with pytest.raises(ValueError, match="read-only"):
        window[0, 0, 0] = 1


def test_holes_are_filled_from_the_nearest_ring_by_ring() -> None:
    colour = torch.full((3, 1, 6), 9.0)
    colour[:, 0, 0], colour[:, 0, 5] = 0.2, 0.8
    nothing = torch.tensor([[False, True, True, True, True, False]])
    assert fill(colour, nothing, 2)[0, 0].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.8, 0.8, 0.8])
    assert fill(colour, nothing, 1)[0, 0].tolist() == pytest.approx([0.2, 0.2, 0, 0, 0.8, 0.8])


def test_what_is_hidden_does_not_matter_to_the_filling() -> None:
    generator = torch.Generator().manual_seed(0)
    colour = torch.rand(3, 9, 9, generator=generator)
    nothing = torch.rand(9, 9, generator=generator) < 0.7
    other = torch.where(nothing, torch.tensor(torch.nan), colour)
    assert torch.equal(fill(colour, nothing, 9), fill(other, nothing, 9))


def test_padding_repeats_the_last_row_and_column() -> None:
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert pad(x, 4).tolist()[0][0] == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]
    assert pad(x, 1).shape == x.shape


def test_boxes_grow_outwards_to_multiples() -> None:
    assert Box(5, 0, 3, 7).grown(2, 4) == Box(0, -4, 12, 16)
    assert Box(4, 4, 4, 4).grown(0, 4) == Box(4, 4, 4, 4)
    assert Box(0, -4, 12, 16).clipped(Box(0, 0, 9, 9)) == Box(0, 0, 9, 9)
