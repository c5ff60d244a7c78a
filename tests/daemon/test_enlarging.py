"""Models whose result is larger than the picture: regions, alpha, tiles and the wire."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from packages import write_upscaler
from rheostat.package import Package, read_package
from rheostat_client.pixels import FORMATS
from rheostatd.raster import Box, Picture, Values, enlarged
from rheostatd.renderer import Renderer
from rheostatd.view import View

POSITION = {"noise": 10.0, "detail": 0.6}
CPU = torch.device("cpu")


@pytest.fixture(params=[2, 4])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Package:
    return read_package(write_upscaler(tmp_path, request.param))


def photo(width: int, height: int, form: str) -> Picture:
    random = np.random.default_rng(0)
    values = random.random((height, width, FORMATS[form].channels), np.float32)
    return Picture(FORMATS[form], width, height, values.tobytes())


def render(package: Package, picture: Picture, region: Box, tile: int = 4096) -> Values:
    view = View(package, picture, POSITION)
    wanted = region.times(package.scale)
    out = np.full((wanted.height, wanted.width, picture.format.channels), np.nan, np.float32)
    for box, values in Renderer(CPU, tile).render(package.load(), view, region):
        assert np.isnan(out[box.within(wanted)]).all()
        out[box.within(wanted)] = values
    assert not np.isnan(out).any()
    return out


@pytest.mark.parametrize("form", ["rgb32f", "rgba32f", "gray32f"])
def test_steps_equal_the_whole_and_a_region_its_part_of_it(package: Package, form: str) -> None:
    picture = photo(61, 43, form)
    whole = render(package, picture, picture.box)
    assert np.abs(render(package, picture, picture.box, tile=32) - whole).max() <= 1e-5
    region = Box(7, 11, 30, 20)
    part = render(package, picture, region, tile=32)
    expected = whole[region.times(package.scale).within(picture.box.times(package.scale))]
    assert np.abs(part - expected).max() <= 1e-5


def test_a_painted_picture_is_as_large(package: Package) -> None:
    picture = photo(30, 20, "rgb32f")
    ramp = np.linspace(0, 1, 600, dtype=np.float32)
    painted = Picture(FORMATS["gray32f"], 30, 20, ramp.tobytes())
    view = View(package, picture, POSITION, {"noise": painted})
    pieces = list(Renderer(CPU, 16).render(package.load(), view, picture.box))
    assert sum(box.area for box, _ in pieces) == 600 * package.scale**2


def test_alpha_is_interpolated_and_nothing_of_the_invisible_shows(package: Package) -> None:
    scale, picture = package.scale, photo(20, 10, "rgba32f")
    values = picture.values(picture.box).copy()
    values[..., 3] = np.linspace(0, 1, 20)
    values[:, 0, :3] = 50.0  # fully transparent: nobody is to see it
    picture = Picture(picture.format, 20, 10, values.tobytes())
    result = render(package, picture, picture.box)
    assert (np.diff(result[0, :, 3]) >= 0).all()
    assert np.abs(result[..., 3].mean() - values[..., 3].mean()) < 1e-3
    assert result[:, scale:, :3].max() < 40


def test_enlarged_whole_numbers_keep_their_type_and_range() -> None:
    values = np.array([[[10, 255], [20, 0]]], np.uint8)
    picture = Picture(FORMATS["graya8"], 2, 1, values.tobytes())
    result = enlarged(picture, picture.box, 2)
    assert result[0, :, 0].tolist() == [10, 10, 20, 20]
    assert result[0, :, 1].tolist() == [255, 191, 64, 0]
