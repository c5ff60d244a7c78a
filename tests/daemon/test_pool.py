"""The networks in memory: loaded when used, evicted by bytes, never while in use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from packages import PackageMaker, random_denoiser
from rheostat.package import WEIGHTS, Package
from rheostat.packing import seal
from rheostat_client.errors import RheostatError
from rheostatd.library import Library
from rheostatd.pool import Pool
from rheostatd.renderer import Renderer
from safetensors.torch import save_file

ROOM = 2**30


class Shelf:
    """The packages `a`, `b` and `c`, and the library that holds them."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders
        self.library = Library(lambda: dict(folders))

    def pool(self, budget: int = ROOM) -> Pool:
        return Pool(self.library, Renderer(torch.device("cpu")), budget)

    def use(self, pool: Pool, name: str) -> Package:
        package = self.package(name)
        with pool.use(package):
            pass
        return package

    def package(self, name: str) -> Package:
        """The package as its files are now, once they are checked."""
        self.library.refresh(None)
        return self.library.package(name)

    def size(self, name: str) -> int:
        pool = self.pool()
        self.use(pool, name)
        return pool.states()[name][1]


@pytest.fixture
def shelf(make_package: PackageMaker) -> Shelf:
    return Shelf({name: make_package(name, seed=seed) for seed, name in enumerate("abc")})


def states(pool: Pool) -> dict[str, str]:
    return {name: state for name, (state, _) in sorted(pool.states().items())}


def test_a_model_is_loaded_when_used_and_stays(shelf: Shelf) -> None:
    pool = shelf.pool()
    assert states(pool) == {}
    package = shelf.use(pool, "b")
    assert states(pool) == {"b": "ready"}
    assert pool.is_ready(package)
    with pool.use(package) as network, pool.use(package) as again:
        assert network is again
        x, lam = torch.rand(1, 3, 8, 8), torch.tensor([[30.0, 0.5]])
        assert torch.equal(network(x, lam), random_denoiser(seed=1)(x, lam))


def test_the_least_recently_used_leaves_when_bytes_run_out(shelf: Shelf) -> None:
    pool = shelf.pool(2 * shelf.size("a"))
    for name in "aba":
        shelf.use(pool, name)
    shelf.use(pool, "c")
    assert states(pool) == {"a": "ready", "b": "evicted", "c": "ready"}
    shelf.use(pool, "b")
    assert states(pool) == {"a": "evicted", "b": "ready", "c": "ready"}


def test_what_makes_room_takes_its_networks_at_slider_positions_along(shelf: Shelf) -> None:
    renderer = Renderer(torch.device("cpu"))
    pool = Pool(shelf.library, renderer, shelf.size("a"))
    shelf.use(pool, "a")
    held = renderer.baked.held
    assert held > 0
    shelf.use(pool, "b")
    assert states(pool) == {"a": "evicted", "b": "ready"}
    assert renderer.baked.held == held


def test_a_model_in_use_is_not_evicted(shelf: Shelf) -> None:
    pool = shelf.pool(shelf.size("a"))
    with pool.use(shelf.library.package("a")) as network:
        shelf.use(pool, "b")
        assert states(pool)["a"] == "ready"
        with pool.use(shelf.library.package("a")) as again:
            assert again is network
    shelf.use(pool, "c")
    assert states(pool) == {"a": "evicted", "b": "evicted", "c": "ready"}


def test_a_model_larger_than_the_budget_is_refused_with_both_numbers(shelf: Shelf) -> None:
    pool = shelf.pool(1024)
    with pytest.raises(RheostatError, match=r"0\.0 MiB in memory; 0\.0 MiB") as error:
        shelf.use(pool, "a")
    assert error.value.code == "too-large"


def test_weights_that_were_sealed_again_fail_their_golden_picture(shelf: Shelf) -> None:
    save_file(random_denoiser(seed=99).state_dict(), shelf.folders["b"] / WEIGHTS)
    seal(shelf.folders["b"])
    pool = shelf.pool()
    for _ in range(2):  # the second time without trying
        with pytest.raises(RheostatError, match="golden") as error:
            shelf.use(pool, "b")
        assert error.value.code == "damaged-package"
    shelf.use(pool, "a")


@pytest.mark.parametrize("place", ["rheostat.package.Package.load", "rheostat.package._array"])
def test_a_load_that_failed_for_want_of_memory_is_tried_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    pool = shelf.pool()
    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(RheostatError, match="MemoryError"):
            shelf.use(pool, "a")
        assert states(pool)["a"] == "failed"
    shelf.use(pool, "a")
    assert states(pool)["a"] == "ready"


def test_a_package_replaced_while_in_use_is_used_to_the_end(shelf: Shelf) -> None:
    pool, folder = shelf.pool(), shelf.folders["a"]
    old = shelf.package("a")
    with pool.use(old) as network:
        save_file(random_denoiser(seed=5).state_dict(), folder / WEIGHTS)
        shutil.copy(shelf.folders["b"] / "golden.npz", folder / "golden.npz")
        seal(folder)
        new = shelf.package("a")
        assert new.info.digest != old.info.digest
        x, lam = torch.rand(1, 3, 8, 8), torch.tensor([[30.0, 0.5]])
        assert torch.equal(network(x, lam), random_denoiser(seed=0)(x, lam))
    assert not pool.is_ready(old)


def test_at_rest_nothing_is_in_memory(shelf: Shelf) -> None:
    pool = shelf.pool()
    shelf.use(pool, "a")
    pool.rest()
    assert pool.states() == {"a": ("evicted", 0)}
