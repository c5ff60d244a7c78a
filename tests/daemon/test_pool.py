"""Models: read, proved, kept while there is room, and each alone in its troubles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from packages import PackageMaker, random_denoiser
from rheostat.package import WEIGHTS, Package
from rheostat.packing import seal
from rheostat_client.errors import RheostatError
from rheostatd.pool import Pool
from safetensors.torch import save_file

ROOM = 2**30


class Shelf(dict[str, Path]):
    """What `find_packages` finds."""

    def find(self) -> dict[str, Path]:
        return dict(self)

    def pool(self, budget: int = ROOM) -> Pool:
        return Pool(torch.device("cpu"), budget, self.find)


@pytest.fixture
def shelf(make_package: PackageMaker) -> Shelf:
    return Shelf({name: make_package(name, seed=seed) for seed, name in enumerate("abc")})


def use(pool: Pool, name: str) -> Package:
    package = pool.package(name)
    with pool.use(package):
        pass
    return package


def states(pool: Pool) -> dict[str, str]:
    return {entry["id"]: entry["state"] for entry in pool.report()}


def size(pool: Pool, name: str) -> int:
    use(pool, name)
    return int(next(entry["bytes"] for entry in pool.report() if entry["id"] == name))


def test_a_model_is_loaded_when_used_and_stays(shelf: Shelf) -> None:
    pool = shelf.pool()
    assert [info.id for info in pool.infos()] == ["a", "b", "c"]
    assert states(pool) == {"a": "verified", "b": "verified", "c": "verified"}
    package = use(pool, "b")
    assert states(pool)["b"] == "ready"
    assert pool.is_ready(package)
    with pool.use(package) as network, pool.use(package) as again:
        assert network is again
        x, lam = torch.rand(1, 3, 8, 8), torch.tensor([[30.0, 0.5]])
        assert torch.equal(network(x, lam), random_denoiser(seed=1)(x, lam))


def test_the_least_recently_used_leaves_when_bytes_run_out(shelf: Shelf) -> None:
    pool = shelf.pool(2 * size(shelf.pool(), "a"))
    for name in "aba":
        use(pool, name)
    use(pool, "c")
    assert states(pool) == {"a": "ready", "b": "evicted", "c": "ready"}
    use(pool, "b")
    assert states(pool) == {"a": "evicted", "b": "ready", "c": "ready"}


def test_a_model_in_use_is_not_evicted(shelf: Shelf) -> None:
    pool = shelf.pool(size(shelf.pool(), "a"))
    with pool.use(pool.package("a")) as network:
        use(pool, "b")
        assert states(pool)["a"] == "ready"
        with pool.use(pool.package("a")) as again:
            assert again is network
    use(pool, "c")
    assert states(pool) == {"a": "evicted", "b": "evicted", "c": "ready"}


def test_a_model_larger_than_the_budget_is_refused_with_both_numbers(shelf: Shelf) -> None:
    pool = shelf.pool(1024)
    with pytest.raises(RheostatError, match=r"0\.0 MiB in memory; 0\.0 MiB") as error:
        use(pool, "a")
    assert error.value.code == "too-large"


def test_an_unknown_model_is_refused_with_the_nearest_names(make_package: PackageMaker) -> None:
    pool = Shelf({"denoise": make_package("denoise")}).pool()
    with pytest.raises(RheostatError, match="Did you mean denoise") as error:
        pool.package("denoize")
    assert error.value.code == "unknown-model"


def test_a_damaged_package_says_so_and_the_others_work(shelf: Shelf) -> None:
    weights = shelf["b"] / WEIGHTS
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    pool = shelf.pool()
    with pytest.raises(RheostatError, match=WEIGHTS) as error:
        pool.package("b")
    assert error.value.code == "damaged-package"
    assert [info.id for info in pool.infos()] == ["a", "c"]
    assert states(pool)["b"] == "failed"
    use(pool, "a")


@pytest.mark.parametrize("content", [b'id = "\xff\xfe"', b"\0", b"schema = 1", b""])
def test_a_manifest_that_is_none_hurts_no_other(shelf: Shelf, content: bytes) -> None:
    (shelf["b"] / "model.toml").write_bytes(content)
    pool = shelf.pool()
    with pytest.raises(RheostatError) as error:
        pool.package("b")
    assert error.value.code == "bad-package"
    use(pool, "a")


def test_weights_that_were_sealed_again_fail_their_golden_picture(shelf: Shelf) -> None:
    save_file(random_denoiser(seed=99).state_dict(), shelf["b"] / WEIGHTS)
    seal(shelf["b"])
    pool = shelf.pool()
    for _ in range(2):  # the second time without trying
        with pytest.raises(RheostatError, match="golden") as error:
            use(pool, "b")
        assert error.value.code == "damaged-package"
    assert "golden" in next(e["reason"] for e in pool.report() if e["id"] == "b")
    use(pool, "a")


def test_a_load_that_failed_for_want_of_memory_is_tried_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    pool = shelf.pool()
    with monkeypatch.context() as patch:
        patch.setattr("rheostat.package.Package.load", fail)
        with pytest.raises(RheostatError, match="MemoryError"):
            use(pool, "a")
        assert states(pool)["a"] == "failed"
    use(pool, "a")
    assert states(pool)["a"] == "ready"


def test_packages_come_and_go_without_a_restart(shelf: Shelf, make_package: PackageMaker) -> None:
    pool = shelf.pool()
    use(pool, "a")
    shelf["new"] = make_package("new", seed=7)
    del shelf["a"]
    pool.refresh()
    assert [info.id for info in pool.infos()] == ["b", "c", "new"]
    use(pool, "new")
    with pytest.raises(RheostatError):
        pool.package("a")


def test_a_mended_package_works_again(shelf: Shelf) -> None:
    whole = (shelf["b"] / WEIGHTS).read_bytes()
    (shelf["b"] / WEIGHTS).write_bytes(whole[:-8])
    pool = shelf.pool()
    with pytest.raises(RheostatError):
        pool.package("b")
    (shelf["b"] / WEIGHTS).write_bytes(whole)
    use(pool, "b")
    assert states(pool)["b"] == "ready"


def test_a_package_replaced_while_in_use_is_used_to_the_end(shelf: Shelf) -> None:
    pool = shelf.pool()
    old = pool.package("a")
    with pool.use(old) as network:
        save_file(random_denoiser(seed=5).state_dict(), shelf["a"] / WEIGHTS)
        shutil.copy(shelf["b"] / "golden.npz", shelf["a"] / "golden.npz")
        seal(shelf["a"])
        new = pool.package("a")
        assert new.info.digest != old.info.digest
        x, lam = torch.rand(1, 3, 8, 8), torch.tensor([[30.0, 0.5]])
        assert torch.equal(network(x, lam), random_denoiser(seed=0)(x, lam))
    assert not pool.is_ready(old)
