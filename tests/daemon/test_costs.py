"""What a render will take: learned from those before, refused with numbers when it is too much."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rheostat.package import Package, read_package
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Render
from rheostat_client.pixels import FORMATS
from rheostatd.costs import SPARE, Costs, Line
from rheostatd.jobs import Rendering
from rheostatd.pace import Pace, Paces, best
from rheostatd.raster import Box, Picture
from rheostatd.renderer import Renderer

CPU = torch.device("cpu")


@pytest.fixture
def package(tiny_package: Path) -> Package:
    return read_package(tiny_package)


@pytest.fixture
def renderer(package: Package, tmp_path: Path) -> Renderer:
    """One that has measured its model."""
    renderer = Renderer(CPU, 64, paces=Paces(tmp_path))
    renderer.warm(package.load(), package)
    return renderer


def job(
    package: Package, width: int, height: int, noise: float = 20.0, painted: tuple[str, ...] = ()
) -> Rendering:
    picture = Picture(FORMATS["gray8"], width, height, b"")
    controls = {"noise": noise, "detail": 0.5}
    box = Box(0, 0, width, height)
    maps = dict.fromkeys(painted, picture)
    return Rendering("s", Render("j", "tiny", "hash"), picture, package, box, controls, maps)


def test_a_line_finds_overhead_and_slope() -> None:
    line = Line()
    assert line.predict(1.0) is None
    for megapixels in (1.0, 2.0, 8.0):
        line.learn(megapixels, 0.2 + 0.5 * megapixels)
    assert line.predict(4.0) == pytest.approx(2.2)


def test_of_pictures_of_one_size_a_line_knows_only_the_ratio() -> None:
    line = Line()
    for seconds in (0.9, 1.1):
        line.learn(2.0, seconds)
    assert line.predict(4.0) == pytest.approx(2.0)


def test_a_render_is_expected_to_take_what_was_measured_then_what_was_learned(
    package: Package, renderer: Renderer
) -> None:
    costs, pace = Costs(renderer), renderer.pace(package)
    assert pace is not None
    assert costs.admit(job(package, 2000, 1000)) == pytest.approx(2 * pace.seconds)
    costs.learn(job(package, 1000, 1000), 5.0)
    assert costs.admit(job(package, 2000, 1000)) == pytest.approx(10.0)
    assert costs.admit(job(package, 2000, 1000, noise=0.0)) == 0.0  # off: the picture itself


def test_nothing_is_learned_from_tiny_pictures(package: Package, renderer: Renderer) -> None:
    costs = Costs(renderer)
    expected = costs.admit(job(package, 2000, 1000))
    costs.learn(job(package, 8, 8), 0.004)
    assert costs.admit(job(package, 2000, 1000)) == expected


def test_nothing_is_learned_from_what_is_off_and_painted_renders_are_apart(
    package: Package, renderer: Renderer
) -> None:
    costs = Costs(renderer)
    expected = costs.admit(job(package, 1000, 1000))
    costs.learn(job(package, 1000, 1000, noise=0.0), 0.001)
    costs.learn(job(package, 1000, 1000, painted=("noise",)), 50.0)
    assert costs.admit(job(package, 1000, 1000)) == expected
    assert costs.admit(job(package, 1000, 1000, painted=("noise",))) == pytest.approx(50.0)


def test_of_a_model_that_was_not_measured_nothing_is_expected(package: Package) -> None:
    assert Costs(Renderer(CPU, 64)).admit(job(package, 2000, 1000)) == 0.0


def test_what_would_take_too_long_is_refused_with_both_numbers(
    package: Package, renderer: Renderer
) -> None:
    costs = Costs(renderer, longest=120.0)
    costs.learn(job(package, 1000, 1000), 60.0)
    costs.admit(job(package, 1000, 1999))
    with pytest.raises(RheostatError, match=r"3 minutes for 3 megapixels .* is 2 minutes") as error:
        costs.admit(job(package, 1000, 3000))
    assert error.value.code == "too-large"
    assert "--longest" in error.value.remedy


def test_what_does_not_fit_the_memory_is_refused_with_both_numbers(
    package: Package, renderer: Renderer
) -> None:
    pace = renderer.pace(package)
    assert pace is not None
    free = SPARE + 1000 * pace.memory
    costs = Costs(renderer, free=lambda _: free)
    costs.admit(job(package, 1000, 5000))
    with pytest.raises(RheostatError, match="MiB are free") as error:
        costs.admit(job(package, 1001, 50))
    assert error.value.code == "too-large"


def test_the_fastest_of_short_steps_is_chosen() -> None:
    small, middle, large = Pace(100, 2.0, 1), Pace(200, 1.0, 1), Pace(400, 0.9, 1)
    assert best([small, middle, large]) is middle  # 0.144 s are too long for a step
    slow = [Pace(200, 9.0, 1), Pace(100, 10.0, 1)]
    assert best(slow) is slow[1]


@pytest.mark.parametrize(
    ("measured", "chosen"),
    [
        pytest.param([(64, 2.0), (64, 1.0)], (64, 1.0), id="two that agree"),
        pytest.param([(128, 0.5), (64, 2.0), (64, 1.0)], (64, 1.0), id="a busy moment"),
        pytest.param([(96, 2.0), (64, 3.0), (128, 1.0)], (128, 1.0), id="none agree"),
    ],
)
def test_a_pace_is_measured_until_two_agree(
    package: Package,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: list[tuple[int, float]],
    chosen: tuple[int, float],
) -> None:
    found = iter(Pace(*values, 1) for values in measured)
    monkeypatch.setattr(Renderer, "_measured", lambda *_: next(found))
    for _ in range(len(measured) + 2):  # more starts than measurements
        renderer = Renderer(CPU, 64, paces=Paces(tmp_path))
        renderer.warm(package.load(), package)
    assert renderer.pace(package) == Pace(*chosen, 1)
    assert next(found, None) is None


def test_sizes_that_would_take_too_long_are_not_tried(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[int]()

    def slow(_self: Renderer, _stages: object, _package: Package, side: int) -> Pace:
        tried.append(side)
        return Pace(side, 20.0, 1)

    monkeypatch.setattr(Renderer, "_try", slow)
    renderer = Renderer(CPU, 128, paces=Paces(tmp_path))
    renderer.warm(package.load(), package)
    assert set(tried) == {64, 96}  # a step of 96² takes 0.18 s already
    assert renderer.pace(package) == Pace(64, 20.0, 1)


@pytest.mark.parametrize("damaged", [b"{", b'{"\xff": []}'])
def test_damaged_paces_are_measured_anew_and_a_full_disk_is_no_reason_to_fail(
    tmp_path: Path, damaged: bytes
) -> None:
    (tmp_path / "pace.json").write_bytes(damaged)
    paces = Paces(tmp_path)
    assert paces.get("x") is None
    for _ in range(2):
        paces.put("x", Pace(64, 1.0, 1))
    assert Paces(tmp_path).get("x") == Pace(64, 1.0, 1)
    (tmp_path / "file").touch()
    Paces(tmp_path / "file").put("x", Pace(64, 1.0, 1))
