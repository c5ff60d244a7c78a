"""Tiles equal the whole, regions their part of it, and nothing bleeds out of the invisible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from packages import random_denoiser
from rheostat.package import Package, read_package
from rheostat_client.pixels import FORMATS
from rheostatd.raster import Box, Picture, Values
from rheostatd.renderer import Renderer, tiles, unchanged

WHOLE = 4096  # pixels: a tile that no picture here fills
LAMBDA = torch.tensor([30.0, 0.6])


@pytest.fixture
def package(tiny_package: Path) -> Package:
    return read_package(tiny_package)


def photo(width: int, height: int, form: str, seed: int = 0) -> Picture:
    """Noise in every channel, alpha too."""
    random = np.random.default_rng(seed)
    shape = (height, width, FORMATS[form].channels)
    if form.endswith("32f"):
        data = random.random(shape, np.float32).tobytes()
    else:
        data = random.bytes(FORMATS[form].size(width, height))
    return Picture(FORMATS[form], width, height, data)


def assembled(picture: Picture, region: Box, parts: Iterator[tuple[Box, Values]]) -> Values:
    """The parts put together; they must cover `region` exactly once."""
    out = np.zeros((region.height, region.width, picture.format.channels), picture.dtype)
    covered = np.zeros((region.height, region.width), int)
    for box, values in parts:
        out[box.within(region)] = values
        covered[box.within(region)] += 1
    assert (covered == 1).all()
    return out


def render(
    picture: Picture,
    package: Package,
    tile: int = WHOLE,
    region: Box | None = None,
    lam: torch.Tensor = LAMBDA,
) -> Values:
    renderer = Renderer(torch.device("cpu"), tile)
    network = renderer.bake(package.load(), lam)
    region = region or picture.box
    return assembled(picture, region, renderer.render(network, package, picture, region))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3), (33, 65), (64, 64), (101, 47)])
@pytest.mark.parametrize("tile", [16, 30])
def test_tiled_equals_whole(package: Package, size: tuple[int, int], tile: int) -> None:
    picture = photo(*size, "rgb32f")
    assert np.abs(render(picture, package, tile) - render(picture, package)).max() <= 1e-5


@pytest.mark.parametrize("form", ["rgba32f", "graya32f"])
def test_tiled_equals_whole_around_holes(package: Package, form: str) -> None:
    picture = photo(90, 70, form)
    values = picture.values(picture.box).copy()
    values[20:, 10:60, -1] = 0  # larger than a tile with its context
    values[::7, ::5, -1] = 0
    picture = Picture(picture.format, 90, 70, values.tobytes())
    assert np.abs(render(picture, package, 16) - render(picture, package)).max() <= 1e-5


@pytest.mark.parametrize(
    "region", [Box(0, 0, 1, 1), Box(7, 11, 50, 21), Box(60, 46, 41, 1), Box(100, 0, 1, 47)]
)
def test_a_region_equals_its_part_of_the_whole(package: Package, region: Box) -> None:
    picture = photo(101, 47, "rgba32f")
    part = render(picture, package)[region.within(picture.box)]
    assert np.abs(render(picture, package, 16, region) - part).max() <= 1e-5


def test_the_whole_is_the_network_on_the_padded_picture(package: Package) -> None:
    picture = photo(33, 21, "rgb32f")
    x = torch.from_numpy(picture.values(picture.box).copy()).permute(2, 0, 1)[None]
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1), mode="replicate")
    expected = random_denoiser()(padded, LAMBDA[None])[0, :, :21, :33].permute(1, 2, 0)
    assert np.abs(render(picture, package) - expected.numpy()).max() <= 1e-5


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_gives_the_same_picture(package: Package, form: str) -> None:
    grey = photo(40, 30, "gray8").values(Box(0, 0, 40, 30)).astype(np.float32) / 255
    x = torch.from_numpy(grey).permute(2, 0, 1).expand(1, 3, -1, -1)
    expected = random_denoiser()(x, LAMBDA[None])[0].permute(1, 2, 0).numpy()
    kind = FORMATS[form]
    top, tolerance = {1: (255, 0.51), 2: (65535, 0.51 + 65535e-5), 4: (1, 1e-5)}[
        kind.bytes_per_channel
    ]
    source = grey.repeat(kind.channels, -1) * top
    if kind.has_alpha:
        source[..., -1] = top
    if kind.channels < 3:
        expected = expected.mean(-1, keepdims=True)
    if top > 1:
        source, expected = np.rint(source), expected.clip(0, 1)
    data = source.astype(photo(1, 1, form).dtype).tobytes()
    result = render(Picture(kind, 40, 30, data), package, 16).astype(np.float64)
    colours = expected.shape[-1]
    assert np.abs(result[..., :colours] - expected * top).max() <= tolerance
    assert (result[..., colours:] == top).all()


def test_invisible_colour_has_no_influence_and_comes_back(package: Package) -> None:
    picture = photo(60, 50, "rgba8")
    values = picture.values(picture.box).copy()
    values[..., 3] = 255
    values[10:40, 15:45, 3] = 0
    loud = values.copy()
    loud[10:40, 15:45, :3] = (255, 0, 255)
    results = [
        render(Picture(FORMATS["rgba8"], 60, 50, v.tobytes()), package, 16) for v in (values, loud)
    ]
    invisible = values[..., 3] == 0
    assert np.array_equal(results[0][~invisible], results[1][~invisible])
    assert np.array_equal(results[0][invisible], values[invisible])
    assert np.array_equal(results[1][invisible], loud[invisible])
    assert not np.array_equal(results[0][~invisible], values[~invisible])


class Refusal(torch.nn.Module):
    """A network that must not be run."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError(f"run on {tuple(x.shape)}")


@pytest.mark.parametrize("form", ["rgba8", "graya16", "rgba32f"])
def test_a_fully_transparent_picture_comes_back_without_a_network(
    package: Package, form: str
) -> None:
    picture = photo(30, 20, form)
    values = picture.values(picture.box).copy()
    values[..., -1] = 0
    picture = Picture(FORMATS[form], 30, 20, values.tobytes())
    parts = Renderer(torch.device("cpu"), 16).render(Refusal(), package, picture, picture.box)
    assert assembled(picture, picture.box, parts).tobytes() == values.tobytes()


def test_floats_outside_the_unit_range_are_not_clipped(package: Package) -> None:
    picture = photo(32, 32, "rgb32f")
    values = picture.values(picture.box) * 6 - 2
    result = render(Picture(FORMATS["rgb32f"], 32, 32, values.tobytes()), package)
    assert result.min() < -0.5
    assert result.max() > 1.5


def test_what_is_far_brighter_than_white_keeps_its_distance(package: Package) -> None:
    values = np.full((20, 20, 3), 0.5, np.float32)
    values[8:12, 8:12] = 50.0
    capped = np.minimum(values, 2.0)
    bright, plain = (
        render(Picture(FORMATS["rgb32f"], 20, 20, v.tobytes()), package) for v in (values, capped)
    )
    np.testing.assert_allclose(bright - plain, values - capped, atol=1e-4)


def test_a_value_that_is_not_a_number_stays_where_it_is(package: Package) -> None:
    values = photo(40, 40, "rgb32f").values(Box(0, 0, 40, 40)).copy()
    values[20, 20] = (np.nan, np.inf, 0.5)
    result = render(Picture(FORMATS["rgb32f"], 40, 40, values.tobytes()), package, 16)
    assert np.array_equal(result[20, 20], values[20, 20], equal_nan=True)
    result[20, 20] = 0
    assert np.isfinite(result).all()


def test_baked_equals_dynamic(package: Package) -> None:
    network = package.load()
    plain = Renderer(torch.device("cpu")).bake(network, LAMBDA)
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert (plain(x) - network(x, LAMBDA[None])).abs().max() <= 1e-5


@pytest.mark.parametrize("region", [Box(0, 0, 700, 3000), Box(3, 5, 600, 2900), Box(9, 9, 1, 1)])
def test_unchanged_is_the_input_bit_for_bit(region: Box) -> None:
    picture = photo(700, 3000, "rgba8")
    result = assembled(picture, region, unchanged(picture, region))
    assert result.tobytes() == picture.values(region).tobytes()


@pytest.mark.parametrize("multiple", [1, 2, 8])
@pytest.mark.parametrize("region", [Box(0, 0, 1, 1), Box(3, 5, 100, 37), Box(1, 0, 65, 64)])
def test_tiles_cover_once_and_meet_on_multiples(region: Box, multiple: int) -> None:
    found = list(tiles(region, 32, multiple))
    assert sum(box.area for box in found) == region.area
    for box in found:
        assert region.contains(box)
        assert max(box.width, box.height) <= 32
        assert box.x % multiple == 0 or box.x == region.x
        assert box.y % multiple == 0 or box.y == region.y
