"""Evaluation and packing: numbers that can be repeated, beside the weights they belong to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from packages import BACKBONES, PackageMaker, needs_data, random_denoiser, write_package
from PIL import Image
from rheostat.evaluation import evaluate, violations
from rheostat.package import WEIGHTS, read_package
from rheostat.packing import pack, read_evidence
from rheostat.scores import TRAVEL
from rheostat_client.errors import RheostatError
from safetensors.torch import save_file


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "two-pictures"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for name, size in (("odd.png", (45, 33)), ("even.png", (40, 48))):
        small = torch.randint(256, (5, 6, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(small.numpy()).resize(size).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def measured(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny package that was evaluated."""
    folder = write_package(tmp_path_factory.mktemp("models"))
    measure(folder, pictures)
    return folder


@pytest.fixture
def sweeps(measured: Path) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = read_evidence(measured)["two-pictures"]["sweeps"]
    return found


def measure(folder: Path, pictures: Path) -> dict[str, Any]:
    return evaluate(read_package(folder), pictures, BACKBONES, command="rheostat evaluate tiny")


@needs_data
def test_evidence_is_sealed_and_in_the_card(measured: Path) -> None:
    package = read_package(measured)
    assert {"evidence.json", "card.md"} <= set(package.manifest.files)
    assert read_evidence(measured)["two-pictures"]["digest"] == package.info.digest
    assert "rheostat evaluate tiny" in (measured / "card.md").read_text()


@needs_data
def test_measuring_again_says_the_same_and_keeps_other_folders(
    measured: Path, pictures: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(measured, tmp_path / "tiny")
    measure(again, shutil.copytree(pictures, tmp_path / "copied-pictures"))
    evidence = read_evidence(again)
    assert evidence["copied-pictures"] == evidence["two-pictures"]


@needs_data
def test_the_noise_is_as_strong_as_its_name(sweeps: dict[str, dict[str, list[float]]]) -> None:
    noisy = dict(zip(sweeps["sigma"]["position"], sweeps["sigma"]["noisy"], strict=True))
    assert noisy[5] == pytest.approx(34.15, abs=0.3)  # 20 log10(255 / 5)
    assert sorted(noisy.values(), reverse=True) == list(noisy.values())


@needs_data
def test_the_blend_meets_the_network_at_both_ends(
    sweeps: dict[str, dict[str, list[float]]],
) -> None:
    assert sweeps["detail"]["position"] == list(TRAVEL)
    for name in ("psnr", "fidelity", "perception"):
        network, blend = sweeps["detail"][name], sweeps["blend"][name]
        assert network[0] == blend[0]
        assert network[-1] == blend[-1]


@needs_data
def test_packing_new_weights_drops_the_old_evidence(measured: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(measured, tmp_path / "tiny")
    save_file(random_denoiser(seed=5).state_dict(), tmp_path / WEIGHTS)
    pack(tmp_path / WEIGHTS, folder)
    package = read_package(folder)
    assert package.info.digest != read_package(measured).info.digest
    assert read_evidence(folder) == {}
    assert package.check_golden() < 1e-5


def test_models_without_noise_and_detail_are_not_measured(
    make_package: PackageMaker, pictures: Path
) -> None:
    folder = make_package()
    manifest = folder / "model.toml"
    manifest.write_text(manifest.read_text().replace('id = "detail"', 'id = "grain"'))
    with pytest.raises(RheostatError, match="noise, grain"):
        measure(folder, pictures)


def test_violations_are_the_largest_rise() -> None:
    assert violations([3, 2, 2, 1]) == 0
    assert violations([3, 2, 2.5, 1]) == 0.5


def test_weights_of_another_network_are_not_packed(
    make_package: PackageMaker, tmp_path: Path
) -> None:
    folder = make_package()
    digest = read_package(folder).info.digest
    save_file(random_denoiser(width=4).state_dict(), tmp_path / WEIGHTS)
    with pytest.raises(RheostatError, match="does not fit"):
        pack(tmp_path / WEIGHTS, folder)
    assert read_package(folder).info.digest == digest
