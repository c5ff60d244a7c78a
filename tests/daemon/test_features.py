"""Features are kept from the first row on or not at all: nobody goes on in the middle."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from daemon.visitor import photo
from packages import PackageMaker
from rheostat.package import Package, read_package
from rheostat.streaming import Run
from rheostatd.raster import Values
from rheostatd.renderer import Renderer
from rheostatd.view import View

CPU = torch.device("cpu")
PICTURE = photo(50, 60, "rgb32f")
TILE = 16
STRIPS = 15  # of two rows of features each, fewer than the trunk sees above and below a row

Trunks = list[Run]


@pytest.fixture
def package(make_package: PackageMaker) -> Package:
    return read_package(make_package(blocks=4))


@pytest.fixture
def trunks(monkeypatch: pytest.MonkeyPatch) -> Trunks:
    """The trunk's runs, each as often as it took a strip."""
    push, taken = Run.push, Trunks()

    def spied(run: Run, *inputs: torch.Tensor | None) -> torch.Tensor | None:
        taken.extend([run] * (len(inputs) == 1))
        return push(run, *inputs)

    monkeypatch.setattr(Run, "push", spied)
    return taken


def view(package: Package, detail: float, origin: str | None = "picture") -> View:
    return View(package, PICTURE, {"noise": 30.0, "detail": detail}, origin=origin)


def rendered(renderer: Renderer, view: View, pieces: int | None = None) -> Values:
    """The whole picture, or its first `pieces`, after which the job is overtaken."""
    found = renderer.render(view.package.load(), view, PICTURE.box)
    return np.concatenate([values for _, values in islice(found, pieces)])


def computed(package: Package, detail: float) -> Values:
    """The picture from a renderer that keeps nothing."""
    return rendered(Renderer(CPU, TILE), view(package, detail, origin=None))


def test_an_overtaken_job_leaves_its_part_to_the_next(package: Package, trunks: Trunks) -> None:
    renderer = Renderer(CPU, TILE)
    rendered(renderer, view(package, 0.0), pieces=1)
    found = rendered(renderer, view(package, 1.0))
    assert len(trunks) == STRIPS
    assert len(set(trunks)) == 1
    assert np.array_equal(found, computed(package, 1.0))


@pytest.mark.parametrize("cache", [0, 100_000, 1_000_000])
@pytest.mark.parametrize("pieces", [1, None])
def test_a_cache_of_any_size_gives_the_pixels_that_none_gives(
    package: Package, cache: int, pieces: int | None
) -> None:
    renderer = Renderer(CPU, TILE, cache=cache)
    rendered(renderer, view(package, 0.0), pieces)
    assert np.array_equal(rendered(renderer, view(package, 1.0)), computed(package, 1.0))


def test_where_a_step_failed_the_next_job_begins_anew(
    package: Package, trunks: Trunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer, push = Renderer(CPU, TILE), Run.push

    def failing(run: Run, *inputs: torch.Tensor | None) -> torch.Tensor | None:
        rows = push(run, *inputs)
        if len(trunks) == STRIPS - 1:
            raise RuntimeError("the device is gone")
        return rows

    with monkeypatch.context() as context:
        context.setattr(Run, "push", failing)
        with pytest.raises(RuntimeError, match="the device is gone"):
            rendered(renderer, view(package, 0.0))
    assert np.array_equal(rendered(renderer, view(package, 1.0)), computed(package, 1.0))


def test_jobs_that_share_features_do_not_share_their_failure(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer, network = Renderer(CPU, TILE), package.load()
    first, second = (
        renderer.render(network, view(package, detail), PICTURE.box) for detail in (0.0, 1.0)
    )
    next(first)
    pieces = [next(second)]  # from the features that the first one has begun

    def failing(*_: object) -> None:
        raise RuntimeError("the device is gone")

    with monkeypatch.context() as context:
        context.setattr(Run, "push", failing)
        with pytest.raises(RuntimeError, match="the device is gone"):
            next(first)
    pieces.extend(second)
    found = np.concatenate([values for _, values in pieces])
    assert np.array_equal(found, computed(package, 1.0))
