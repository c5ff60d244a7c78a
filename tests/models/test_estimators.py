"""Estimators: what was done to a photograph is found out again."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from packages import REPOSITORY
from PIL import Image
from rheostat.compression import quality
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_camera_noise, add_gaussian_noise, compress
from rheostat.estimators import noise, white_noise
from rheostat_client.errors import RheostatError
from torch import Tensor

PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """(3, H, W)."""
    return to_float(read_rgb(PHOTOGRAPH))


def noisy(clean: Tensor, sigma: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return add_gaussian_noise(clean[None], torch.tensor([sigma]), generator)[0]


@pytest.mark.parametrize("sigma", [2.0, 5.0, 15.0, 25.0, 50.0])
def test_noise_is_found_to_a_level_and_a_half(photograph: Tensor, sigma: float) -> None:
    assert noise([noisy(photograph, sigma)]) == pytest.approx(sigma, abs=1.5)


@pytest.mark.parametrize("sigma", [5.0, 25.0])
def test_noise_of_a_grey_picture_is_that_of_one_channel(photograph: Tensor, sigma: float) -> None:
    grey = noisy(photograph.mean(0, keepdim=True), sigma).expand(3, -1, -1)
    assert noise([grey]) == pytest.approx(sigma, abs=1.5)


def test_noise_that_is_smooth_from_pixel_to_pixel_is_not_overlooked(photograph: Tensor) -> None:
    sigma, shot, mosaic = torch.tensor([15.0]), torch.tensor([1.0]), torch.tensor([True])
    generator = torch.Generator().manual_seed(0)
    seen = add_camera_noise(photograph[None], sigma, shot, mosaic, generator)[0]
    assert white_noise([seen]) < 6
    assert 7.5 < noise([seen]) < 22.5


def test_noise_is_found_under_compression_that_took_its_colour(photograph: Tensor) -> None:
    picture = compress(noisy(photograph, 15.0), 95, "4:2:0")
    assert noise([picture]) == pytest.approx(15.0, abs=3)


def test_black_and_white_borders_do_not_hide_the_noise(photograph: Tensor) -> None:
    picture = noisy(photograph, 10.0)
    picture[:, :100], picture[:, -60:] = 0.0, 1.0
    assert noise([picture]) == pytest.approx(10.0, abs=1.5)


def test_parts_say_what_the_whole_says(photograph: Tensor) -> None:
    picture = noisy(photograph, 20.0)
    parts = [part for half in picture.chunk(2, 1) for part in half.chunk(2, 2)]
    assert noise(parts) == pytest.approx(noise([picture]), abs=0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e20])
def test_values_that_say_nothing_do_not_hide_what_others_say(
    photograph: Tensor, value: float
) -> None:
    picture = noisy(photograph, 10.0)
    picture[:, 100:140, 50:90] = value
    assert noise([picture]) == pytest.approx(10.0, abs=1.5)
    picture = compress(photograph, 40, "4:2:0")
    picture[:, 100:140, 50:90] = value
    assert quality([picture]) == 40
    with pytest.raises(RheostatError, match="at least 147 are needed"):
        noise([torch.full((3, 64, 64), value)])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_everything_is_cut_off_there_is_no_estimate(value: float) -> None:
    with pytest.raises(RheostatError, match="at least 147 are needed") as refused:
        noise([torch.full((3, 64, 64), value)])
    assert refused.value.code == "no-estimate"


def test_a_picture_of_one_colour_has_no_noise() -> None:
    assert noise([torch.full((3, 64, 64), 0.5)]) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("given", [5, 10, 40, 75, 90, 95])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_the_quality_of_a_jpeg_is_found(photograph: Tensor, given: int, subsampling: str) -> None:
    assert quality([compress(photograph, given, subsampling)]) == given


@pytest.mark.parametrize("given", [10, 50, 85])
def test_the_grid_of_a_cut_picture_is_found(photograph: Tensor, given: int) -> None:
    assert quality([compress(photograph, given, "4:2:0")[:, 3:-9, 5:-2]]) == given


def test_the_coarser_of_two_compressions_counts(photograph: Tensor) -> None:
    assert quality([compress(compress(photograph, 30, "4:2:0"), 80, "4:2:0")]) == 30


def test_another_makers_table_is_taken_for_the_nearest(photograph: Tensor) -> None:
    """Twice as fine at low frequencies, as fine as quality 40 elsewhere."""
    levels = (photograph * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=40)
    steps = Image.open(file).quantization  # type: ignore[attr-defined]
    luma = [max(1, s // 2) if i < 16 else s for i, s in enumerate(steps[0])]
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", qtables=[luma, steps[1]])
    found = to_float(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1))
    assert 40 <= quality([found]) <= 72


@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_what_never_was_a_jpeg_is_taken_for_the_best(photograph: Tensor, sigma: float) -> None:
    assert quality([noisy(photograph, sigma)]) == 100


def test_a_picture_without_a_whole_block_shows_no_compression() -> None:
    assert quality([torch.rand(3, 7, 40)]) == 100
