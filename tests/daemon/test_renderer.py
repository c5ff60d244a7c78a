"""Tiles equal the whole, regions their part of it, and nothing bleeds out of the invisible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from packages import random_denoiser
from rheostat.nets import Baked, Network
from rheostat.package import Package, read_package
from rheostat.streaming import Run
from rheostat_client.errors import RheostatError
from rheostat_client.messages import CHUNK
from rheostat_client.pixels import FORMATS
from rheostatd.raster import Box, Picture, Values
from rheostatd.regions import tiles, unchanged
from rheostatd.renderer import Renderer
from rheostatd.view import View

WHOLE = 4096  # pixels: a tile that no picture here fills
POSITION = {"noise": 30.0, "detail": 0.6}
LAMBDA = torch.tensor([[30.0, 0.6]])
CPU = torch.device("cpu")


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
    picture: Picture, package: Package, tile: int = WHOLE, region: Box | None = None
) -> Values:
    view = View(package, picture, POSITION)
    region = region or picture.box
    parts = Renderer(CPU, tile).render(package.load(), view, region)
    return assembled(picture, region, parts)


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
    expected = random_denoiser()(padded, LAMBDA)[0, :, :21, :33].permute(1, 2, 0)
    assert np.abs(render(picture, package) - expected.numpy()).max() <= 1e-5


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_gives_the_same_picture(package: Package, form: str) -> None:
    grey = photo(40, 30, "gray8").values(Box(0, 0, 40, 30)).astype(np.float32) / 255
    x = torch.from_numpy(grey).permute(2, 0, 1).expand(1, 3, -1, -1)
    expected = random_denoiser()(x, LAMBDA)[0].permute(1, 2, 0).numpy()
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


class Refusal(Network):
    """A network that must not be run."""

    def forward(self, x: torch.Tensor, lam: torch.Tensor) -> torch.Tensor:
        raise AssertionError(f"run on {tuple(x.shape)} at {lam.tolist()}")

    def bake(self, lam: torch.Tensor) -> Baked:
        raise AssertionError(f"baked at {lam.tolist()}")


@pytest.mark.parametrize("form", ["rgba8", "graya16", "rgba32f"])
def test_a_fully_transparent_picture_comes_back_without_a_network(
    package: Package, form: str
) -> None:
    picture = photo(30, 20, form)
    values = picture.values(picture.box).copy()
    values[..., -1] = 0
    picture = Picture(FORMATS[form], 30, 20, values.tobytes())
    view = View(package, picture, POSITION)
    parts = Renderer(CPU, 16).render(Refusal(), view, picture.box)
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


def test_what_is_looked_at_comes_first(package: Package) -> None:
    picture, focus = photo(200, 150, "rgb8"), Box(90, 70, 30, 20)
    view = View(package, picture, POSITION)
    parts = list(Renderer(CPU, 32).render(package.load(), view, picture.box, focus))
    seen = [box.touches(focus) for box, _ in parts]
    assert seen == sorted(seen, reverse=True)
    assert 0 < sum(seen) < len(seen)
    assert np.array_equal(
        assembled(picture, picture.box, iter(parts)), render(picture, package, 32)
    )


def test_strips_that_do_not_fit_the_memory_are_made_smaller(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Run.push
    limit = 20

    def limited(run: Run, *inputs: torch.Tensor | None) -> torch.Tensor | None:
        if any(x is not None and x.shape[2] > limit for x in inputs):
            raise torch.OutOfMemoryError("no memory for it")
        return push(run, *inputs)

    monkeypatch.setattr(Run, "push", limited)
    picture, renderer = photo(300, 200, "rgb32f"), Renderer(CPU, 256)
    view = View(package, picture, POSITION, origin="picture")
    result = assembled(picture, picture.box, renderer.render(package.load(), view, picture.box))
    assert np.abs(result - render(picture, package, 64)).max() <= 1e-5
    limit = 1
    with pytest.raises(RheostatError, match="no memory left for a tile of 64"):
        list(renderer.render(package.load(), View(package, picture, POSITION), picture.box))


class Crowded(Network):
    """`inside`, which cannot stream, on a device whose memory ends at `pixels`."""

    def __init__(self, inside: Network, pixels: int) -> None:
        super().__init__()
        self.inside, self.pixels = inside, pixels
        self.multiple, self.receptive_radius = inside.multiple, inside.receptive_radius

    def forward(self, x: torch.Tensor, lam: torch.Tensor) -> torch.Tensor:
        return self.inside(x, lam)

    def bake(self, lam: torch.Tensor) -> Baked:
        baked = self.inside.bake(lam)
        trunk = baked.trunk

        def limited(x: torch.Tensor) -> torch.Tensor:
            if x.shape[-1] * x.shape[-2] > self.pixels:
                raise torch.OutOfMemoryError("no memory for it")
            return trunk(x)

        baked.trunk = limited  # type: ignore[method-assign]
        return baked


def test_tiles_that_do_not_fit_the_memory_are_halved(package: Package) -> None:
    picture, renderer = photo(300, 200, "rgb32f"), Renderer(CPU, 256)
    view = View(package, picture, POSITION, origin="picture")
    crowded = Crowded(package.load(), 160 * 160)
    result = assembled(picture, picture.box, renderer.render(crowded, view, picture.box))
    assert np.abs(result - render(picture, package)).max() <= 1e-5
    with pytest.raises(RheostatError, match="no memory left for a tile of 64"):
        list(Renderer(CPU, 256).render(Crowded(package.load(), 100), view, picture.box))


class TestCache:
    """With a cache as without, bit for bit; and only what has to be computed is."""

    @pytest.fixture
    def picture(self) -> Picture:
        return photo(50, 40, "rgb32f")

    def positions(self) -> list[dict[str, float]]:
        details = (0.0, 0.5, 1.0, 0.5)
        return [{"noise": n, "detail": d} for n in (10.0, 40.0, 10.0) for d in details]

    def test_cached_equals_computed_bit_for_bit(self, package: Package, picture: Picture) -> None:
        network, cached = package.load(), Renderer(CPU, 16)
        for values in self.positions():
            plain = View(package, picture, values)
            named = replace(plain, origin="picture")
            computed, again = (
                assembled(picture, picture.box, renderer.render(network, view, picture.box))
                for renderer, view in ((Renderer(CPU, 16), plain), (cached, named))
            )
            assert np.array_equal(computed, again)
        assert cached.features.hits
        assert cached.results.hits

    def test_a_late_slider_runs_no_trunk_and_a_value_seen_runs_nothing(
        self, package: Package, picture: Picture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[str] = []
        push = Run.push

        def spied(run: Run, *inputs: torch.Tensor | None) -> torch.Tensor | None:
            ran.append("trunk" if len(inputs) == 1 else "head")
            return push(run, *inputs)

        monkeypatch.setattr(Run, "push", spied)
        network, renderer = package.load(), Renderer(CPU)
        for values, expected in (
            ({"noise": 10.0, "detail": 0.0}, ["trunk", "head"]),
            ({"noise": 10.0, "detail": 1.0}, ["head"]),
            ({"noise": 10.0, "detail": 0.0}, []),
            ({"noise": 20.0, "detail": 0.0}, ["trunk", "head"]),
        ):
            ran.clear()
            view = View(package, picture, values, origin="picture")
            list(renderer.render(network, view, picture.box))
            assert ran == expected

    def test_another_picture_or_model_shares_nothing(self, package: Package) -> None:
        renderer, network = Renderer(CPU), package.load()
        for seed in (0, 1):
            picture = photo(20, 20, "rgb32f", seed)
            view = View(package, picture, POSITION, origin=f"picture {seed}")
            found = assembled(picture, picture.box, renderer.render(network, view, picture.box))
            assert np.array_equal(found, render(picture, package))


class TestPaintedLambda:
    """A map is the slider, pixel by pixel."""

    def painted(
        self, package: Package, picture: Picture, grey: Values, tile: int = 16, name: str = "noise"
    ) -> Values:
        form = FORMATS["gray8" if grey.dtype == np.uint8 else "gray32f"]
        paper = Picture(form, picture.width, picture.height, grey.tobytes())
        view = View(package, picture, POSITION, {name: paper})
        parts = Renderer(CPU, tile).render(package.load(), view, picture.box)
        return assembled(picture, picture.box, parts)

    def test_white_is_the_slider_black_is_off_grey_lies_between(self, package: Package) -> None:
        picture = photo(40, 30, "rgb32f")
        size = (30, 40, 1)
        white, black = np.full(size, 255, np.uint8), np.zeros(size, np.uint8)
        assert np.array_equal(self.painted(package, picture, white), render(picture, package, 16))
        assert self.painted(package, picture, black).tobytes() == bytes(picture.data)
        half = View(package, picture, POSITION | {"noise": 15.0})
        parts = Renderer(CPU, 16).render(package.load(), half, picture.box)
        expected = assembled(picture, picture.box, parts)
        grey = np.full(size, 0.5, np.float32)
        assert np.array_equal(self.painted(package, picture, grey), expected)

    @pytest.mark.parametrize("name", ["noise", "detail"])
    def test_tiles_agree_and_equal_the_network(self, package: Package, name: str) -> None:
        picture = photo(61, 47, "rgb32f")
        grey = np.random.default_rng(5).random((47, 61, 1), np.float32)
        whole = self.painted(package, picture, grey, WHOLE, name)
        assert np.abs(self.painted(package, picture, grey, 16, name) - whole).max() <= 1e-5
        lam = LAMBDA[..., None, None].expand(-1, -1, 47, 61).clone()
        lam[0, ["noise", "detail"].index(name)] *= torch.from_numpy(grey[..., 0])
        x = torch.from_numpy(picture.values(picture.box).copy()).permute(2, 0, 1)[None]
        padded = [torch.nn.functional.pad(t, (0, 1, 0, 1), mode="replicate") for t in (x, lam)]
        expected = random_denoiser()(*padded)[0, :, :47, :61].permute(1, 2, 0).numpy()
        assert np.abs(whole - expected).max() <= 1e-5

    def test_pixels_out_of_sight_of_the_paint_stay_as_they_were(self, package: Package) -> None:
        picture = photo(96, 64, "rgb32f")
        grey = np.full((64, 96, 1), 0.5, np.float32)
        before = self.painted(package, picture, grey)
        grey[30:34, 20:24] = 1
        changed = (np.abs(self.painted(package, picture, grey) - before) > 1e-5).any(-1)
        rows, columns = changed.nonzero()
        assert columns.min() >= 20 - package.halo
        assert columns.max() < 24 + package.halo
        assert rows.size

    @pytest.mark.parametrize("bad", [np.nan, -0.1, 1.5])
    def test_paint_outside_black_and_white_is_refused(self, package: Package, bad: float) -> None:
        grey = np.full((20, 20, 1), bad, np.float32)
        with pytest.raises(RheostatError, match="between black and white"):
            self.painted(package, photo(20, 20, "rgb8"), grey)


@pytest.mark.parametrize("region", [Box(0, 0, 700, 3000), Box(3, 5, 600, 2900), Box(9, 9, 1, 1)])
def test_unchanged_is_the_input_bit_for_bit_in_parts_that_fit_a_frame(region: Box) -> None:
    picture = photo(700, 3000, "rgba8")
    parts = list(unchanged(picture, region))
    assert max(values.nbytes for _, values in parts) <= CHUNK
    result = assembled(picture, region, iter(parts))
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


def test_networks_at_slider_positions_keep_to_their_bytes(package: Package) -> None:
    network, picture = package.load(), photo(20, 10, "rgb8")
    size = sum(t.nbytes for t in network.bake(LAMBDA[0]).parameters())
    renderer = Renderer(CPU, baked=3 * size)
    for noise in range(10, 15):
        view = View(package, picture, {"noise": float(noise), "detail": 0.6})
        list(renderer.render(network, view, picture.box))
        assert renderer.report()["baked"]["bytes"] == min(noise - 9, 3) * size
