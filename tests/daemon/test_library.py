"""The packages on disk: found, verified, refused with a reason, replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from packages import PackageMaker
from rheostat.package import WEIGHTS, Package, read_package
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.previews import Event, Finished, Preview
from rheostatd import library as module
from rheostatd.commands.models import find_model
from rheostatd.library import Library


@pytest.fixture
def folders(make_package: PackageMaker) -> dict[str, Path]:
    return {name: make_package(name, seed=seed) for seed, name in enumerate("abc")}


def ids(library: Library) -> list[str]:
    return [info.id for info in library.infos()]


def states(library: Library) -> dict[str, str]:
    return {row["id"]: row["state"] for row in library.report()}


def test_a_damaged_package_says_so_and_the_others_work(folders: dict[str, Path]) -> None:
    weights = folders["b"] / WEIGHTS
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    library = Library(lambda: folders)
    with pytest.raises(RheostatError, match=WEIGHTS) as error:
        library.package("b")
    assert error.value.code == "damaged-package"
    assert ids(library) == ["a", "c"]
    assert states(library) == {"a": "verified", "b": "failed", "c": "verified"}
    assert library.package("a").info.id == "a"


@pytest.mark.parametrize("content", [b'id = "\xff\xfe"', b"\0", b"schema = 1", b""])
def test_a_manifest_that_is_none_hurts_no_other(folders: dict[str, Path], content: bytes) -> None:
    (folders["b"] / "model.toml").write_bytes(content)
    library = Library(lambda: folders)
    with pytest.raises(RheostatError) as error:
        library.package("b")
    assert error.value.code == "bad-package"
    assert ids(library) == ["a", "c"]


def test_an_unknown_model_is_refused_with_the_nearest_names(make_package: PackageMaker) -> None:
    folder = make_package("denoise")
    with pytest.raises(RheostatError, match="Did you mean denoise") as error:
        Library(lambda: {"denoise": folder}).package("denoize")
    assert error.value.code == "unknown-model"


def test_packages_come_and_go_without_a_restart(
    folders: dict[str, Path], make_package: PackageMaker
) -> None:
    library = Library(lambda: folders)
    old = library.package("a")
    folders["new"] = make_package("new", seed=7)
    del folders["a"]
    library.refresh()
    assert ids(library) == ["b", "c", "new"]
    assert not library.is_current(old)
    with pytest.raises(RheostatError):
        library.package("a")


def test_a_mended_package_works_again(folders: dict[str, Path]) -> None:
    whole = (folders["b"] / WEIGHTS).read_bytes()
    (folders["b"] / WEIGHTS).write_bytes(whole[:-8])
    library = Library(lambda: folders)
    with pytest.raises(RheostatError):
        library.package("b")
    (folders["b"] / WEIGHTS).write_bytes(whole)
    library.refresh(60)
    assert library.is_current(library.package("b"))


def test_a_rejected_package_stays_so_until_its_files_change(folders: dict[str, Path]) -> None:
    library = Library(lambda: folders)
    library.reject(library.package("b"), RheostatError("damaged-package", "It paints nonsense."))
    with pytest.raises(RheostatError, match="nonsense"):
        library.package("b")
    assert "nonsense" in next(row["reason"] for row in library.report() if row["id"] == "b")
    (folders["b"] / "model.toml").touch()
    library.refresh(60)
    library.package("b")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Packages called `huge` are not hashed before it is set."""
    hashed, read = threading.Event(), read_package

    def slowly(folder: Path) -> Package:
        if folder.name == "huge":
            hashed.wait(60)
        return read(folder)

    monkeypatch.setattr(module, "read_package", slowly)
    yield hashed
    hashed.set()


def test_nobody_waits_for_gigabytes_to_be_hashed(
    folders: dict[str, Path],
    make_package: PackageMaker,
    monkeypatch: pytest.MonkeyPatch,
    hashed: threading.Event,
) -> None:
    library = Library(lambda: folders)
    folders["huge"] = make_package("huge", seed=9)
    waits = list[float | None]()
    with monkeypatch.context() as context:
        context.setattr(module, "wait", lambda _, patience: waits.append(patience))
        with pytest.raises(RheostatError, match="are being checked") as error:
            library.package("huge")
        assert error.value.code == "busy"
        assert library.package("a").info.id == "a"
        assert not waits
        library.refresh()
        assert waits == [module.PATIENCE]  # a list of models only, and not long
    assert states(library)["huge"] == "checking"
    assert ids(library) == ["a", "b", "c"]
    hashed.set()
    library.refresh(60)
    assert library.package("huge").info.id == "huge"


@pytest.mark.usefixtures("server")
def test_a_model_whose_files_are_being_checked_is_not_called_unknown(
    make_package: PackageMaker, hashed: threading.Event
) -> None:
    make_package("huge", seed=9)
    with Connection.open() as connection:
        with pytest.raises(RheostatError, match="files of model huge are being checked") as error:
            find_model(connection, "huge")
        assert error.value.code == "busy"
        with pytest.raises(RheostatError, match="no model 'large'"):
            find_model(connection, "large")
    assert not hashed.is_set()


@pytest.mark.usefixtures("server")
def test_a_model_is_found_that_becomes_ready_between_two_questions(
    make_package: PackageMaker, hashed: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package("huge", seed=9)
    with Connection.open() as connection:
        status = connection.status

        def later() -> dict[str, Any]:
            hashed.set()
            while any(model["state"] == "checking" for model in status()["models"]):
                time.sleep(0.01)
            return status()

        monkeypatch.setattr(connection, "status", later)
        assert find_model(connection, "huge").id == "huge"


@pytest.mark.usefixtures("server")
def test_programs_ask_again_for_a_model_whose_files_are_being_checked(
    make_package: PackageMaker, hashed: threading.Event
) -> None:
    make_package("huge", seed=9)
    with Connection.open() as connection, ThreadPoolExecutor(1) as program:
        picture = (bytes(300), "rgb8", 10, 10)
        preview, hash = Preview(connection), connection.upload(*picture)
        preview.ask(hash, "huge", {"noise": 3.0})
        preview.ask(hash, "huge", {"noise": 4.0})
        preview.estimate(hash, "huge", "noise")
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            assert preview.poll() == []
        with Connection.open() as other:
            filtered = program.submit(other.filter, *picture, "huge", {"noise": 4.0})
            time.sleep(0.3)
            hashed.set()
            result = filtered.result()
        events = list[Event]()
        while preview.is_busy:
            events += preview.poll()
            assert time.monotonic() < deadline + 60
    (end,) = (event for event in events if isinstance(event, Finished))
    assert end.settings == result.settings
    assert any(isinstance(event, RheostatError) and event.code == "no-estimate" for event in events)
