"""A package is believed only after every file was verified, and says what is wrong with it."""

from __future__ import annotations

import io
import json
import shutil
import textwrap
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import torch
from packages import ZOO, PackageMaker, random_denoiser, write_package
from rheostat import package as package_module
from rheostat.package import (
    GOLDEN,
    MANIFEST,
    MAX_GOLDEN,
    WEIGHTS,
    find_packages,
    read_package,
)
from rheostat.packing import pack, seal, write_golden
from rheostat_client.errors import RheostatError
from safetensors.torch import load_file, save_file


def rewrite(folder: Path, old: str, new: str) -> None:
    manifest = folder / MANIFEST
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))


def refusal(folder: Path) -> RheostatError:
    with pytest.raises(RheostatError) as caught:
        read_package(folder).check_golden()
    return caught.value


def test_loads_the_network_it_was_made_from(make_package: PackageMaker) -> None:
    package = read_package(make_package(seed=7))
    x, lam = torch.rand(2, 3, 8, 8), torch.tensor([[5.0, 0.2], [60.0, 1.0]])
    assert torch.equal(package.load()(x, lam), random_denoiser(seed=7)(x, lam))
    assert package.check_golden() == pytest.approx(0, abs=1e-5)
    assert package.multiple == 2
    assert package.halo >= 2 * 4  # four 3×3 layers on pixels of two
    assert [c.id for c in package.info.controls] == ["noise", "detail"]


def test_off_position_and_coordinates(make_package: PackageMaker) -> None:
    package = read_package(make_package())
    assert package.is_off({"noise": 0.0, "detail": 1.0})
    assert not package.is_off({"noise": 0.5, "detail": 0.0})
    assert package.coordinates({"detail": 0.5, "noise": 20.0}).tolist() == [20.0, 0.5]


def test_digest_names_the_weights_not_the_words(make_package: PackageMaker) -> None:
    folder = make_package()
    digest = read_package(folder).info.digest
    rewrite(folder, "for tests", "for all tests")
    assert read_package(folder).info.digest == digest
    save_file(random_denoiser(seed=99).state_dict(), folder / WEIGHTS)
    seal(folder)
    assert read_package(folder).info.digest != digest


@pytest.mark.parametrize("name", [WEIGHTS, GOLDEN])
def test_one_flipped_bit_is_noticed(make_package: PackageMaker, name: str) -> None:
    folder = make_package()
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / name).write_bytes(damaged)
    error = refusal(folder)
    assert error.code == "damaged-package"
    assert name in error.message


def test_rehashed_weights_fail_the_golden_picture(make_package: PackageMaker) -> None:
    folder = make_package()
    save_file(random_denoiser(seed=2).state_dict(), folder / WEIGHTS)
    seal(folder)
    error = refusal(folder)
    assert error.code == "damaged-package"
    assert "deviates" in error.message


def test_weights_that_are_not_finite_are_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    weights = load_file(folder / WEIGHTS)
    next(iter(weights.values())).flatten()[0] = float("nan")
    save_file(weights, folder / WEIGHTS)
    seal(folder)
    error = refusal(folder)
    assert error.code == "damaged-package"
    assert "finite" in error.message


def test_weights_of_another_shape_are_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    rewrite(folder, "width = 8", "width = 9")
    assert refusal(folder).code == "damaged-package"


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        ("schema = 1", "schema = 2", "unsupported-package", "schema 2"),
        ('name = "denoiser"', 'name = "transformer"', "unsupported-package", "transformer"),
        ("width = 8", 'width = "wide"', "bad-package", "config"),
        ("width = 8", "depth = 8", "bad-package", "config"),
        ("blocks = 1", "blocks = 100000000", "bad-package", "100000000; 1024 is the most"),
        ("blocks = 1", "blocks = 500", "damaged-package", "does not fit"),
        ("width = 8", "width = -5", "bad-package", "config"),
        ("width = 8", f"width = {'[' * 5000}{']' * 5000}", "bad-package", MANIFEST),
        ('id = "tiny"', 'id = "other"', "bad-package", "other"),
        ('id = "detail"', 'id = "noise"', "bad-package", "same id"),
        ("default = 25.0", "default = 99.0", "bad-manifest", "default"),
        ('curve = "sqrt"', 'curve = "cube"', "bad-manifest", "cube"),
        ("schema = 1", "schema = ", "bad-package", MANIFEST),
        ("[files]", "[presets]\nStrong = { noise = 99.0 }\n\n[files]", "bad-package", "'Strong'"),
        (f'"{GOLDEN}"', '"../escape"', "bad-package", "files"),
    ],
)
def test_a_manifest_is_decoded_strictly(
    make_package: PackageMaker, old: str, new: str, code: str, word: str
) -> None:
    folder = make_package()
    rewrite(folder, old, new)
    error = refusal(folder)
    assert error.code == code
    assert word in error.message


def test_a_manifest_that_is_not_text_is_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    (folder / MANIFEST).write_bytes(b'name = "\xff"')
    assert refusal(folder).code == "bad-package"


def test_a_missing_file_and_a_link_are_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    (folder / GOLDEN).rename(folder.parent / GOLDEN)
    assert refusal(folder).code == "damaged-package"
    (folder / GOLDEN).symlink_to(folder.parent / GOLDEN)
    assert refusal(folder).code == "damaged-package"


def test_weights_are_held_against_the_architecture_before_they_are_loaded(
    make_package: PackageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_package()
    rewrite(folder, "width = 8", "width = 1000")
    monkeypatch.setattr(package_module, "load_file", None)
    with pytest.raises(RheostatError, match="does not fit the architecture"):
        read_package(folder)


def test_a_golden_picture_that_swells_is_refused_unread(make_package: PackageMaker) -> None:
    folder = make_package()
    with ZipFile(folder / GOLDEN, "w", ZIP_DEFLATED) as file:
        file.writestr("input.npy", bytes(MAX_GOLDEN + 1))
    seal(folder)
    assert (folder / GOLDEN).stat().st_size < 100_000
    assert "unpacks to more" in refusal(folder).message


def test_a_golden_picture_for_fewer_positions_is_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    with np.load(folder / GOLDEN) as golden:
        arrays = dict(golden)
    np.savez(folder / GOLDEN, **(arrays | {"lam": arrays["lam"].repeat(1000, 0)}))
    seal(folder)
    assert "do not fit together" in refusal(folder).message


def test_a_file_that_may_not_be_read_is_named(
    make_package: PackageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    folder = make_package()
    monkeypatch.setattr(package_module, "file_digest", refuse)
    assert "cannot be read (Permission denied)" in refusal(folder).message


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("lam", np.float32(1)),
        ("lam", np.zeros((2, 2, 1), np.float32)),
        ("lam", np.zeros((0, 2), np.float32)),
        ("input", np.zeros((1, 3, 16), np.float32)),
        ("input", np.zeros((1, 4, 16, 16), np.float32)),
    ],
)
def test_a_golden_picture_of_another_shape_is_refused(
    make_package: PackageMaker, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    folder = make_package()
    with np.load(folder / GOLDEN) as golden:
        arrays = dict(golden)
    np.savez(folder / GOLDEN, **(arrays | {name: array}))
    seal(folder)
    assert "do not fit together" in refusal(folder).message


def test_a_golden_picture_of_very_many_positions_is_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    x, lam = torch.zeros(1, 3, 2, 2), [[10.0, 0.0]] * 17
    write_golden(folder / GOLDEN, random_denoiser(), x, lam[:16])
    seal(folder)
    assert read_package(folder).check_golden() < 1e-5
    write_golden(folder / GOLDEN, random_denoiser(), x, lam)
    seal(folder)
    assert "do not fit together" in refusal(folder).message


def test_a_golden_picture_that_claims_more_than_there_is_is_refused_before_it_has_memory(
    make_package: PackageMaker,
) -> None:
    folder = make_package()
    claims = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1, 3, 10**6, 10**6)}
    np.lib.format.write_array_header_1_0(claims, header)
    with ZipFile(folder / GOLDEN, "w") as file:
        file.writestr("input.npy", claims.getvalue() + bytes(100))
    seal(folder)
    assert "input ends early" in refusal(folder).message


def test_a_golden_picture_whose_bytes_cannot_be_unpacked_is_refused(
    make_package: PackageMaker,
) -> None:
    folder = make_package()
    damaged = bytearray((folder / GOLDEN).read_bytes())
    damaged[60:80] = b"\xff" * 20
    (folder / GOLDEN).write_bytes(damaged)
    seal(folder)
    assert refusal(folder).code == "damaged-package"


def test_weights_that_cannot_be_computed_with_are_refused(make_package: PackageMaker) -> None:
    folder = make_package()
    weights = load_file(folder / WEIGHTS)
    save_file({k: v.to(torch.float8_e4m3fn) for k, v in weights.items()}, folder / WEIGHTS)
    seal(folder)
    assert "holds F8_E4M3; F16, BF16, F32" in refusal(folder).message


def test_golden_is_never_unpickled(make_package: PackageMaker) -> None:
    folder = make_package()
    with np.load(folder / GOLDEN) as golden:
        arrays = dict(golden)
    np.savez(folder / GOLDEN, **(arrays | {"lam": np.array([{}], dtype=object)}))
    seal(folder)
    error = refusal(folder)
    assert error.code == "damaged-package"
    assert "pickle" in str(error.__cause__)


def test_the_first_place_with_an_id_counts(
    make_package: PackageMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = make_package("denoise")
    monkeypatch.setenv("RHEOSTAT_MODELS", str(tmp_path / "nowhere"))
    assert find_packages()["denoise"] != folder
    monkeypatch.setenv("RHEOSTAT_MODELS", str(folder.parent))
    assert find_packages()["denoise"] == folder


@pytest.mark.parametrize("bent", [False, True])
def test_a_shorter_reach_ends_where_the_whole_travel_passed(tmp_path: Path, bent: bool) -> None:
    folder = write_package(tmp_path)
    manifest = folder / "model.toml"
    config = "blocks = 1, bent = true" if bent else "blocks = 1"
    manifest.write_text(manifest.read_text().replace("blocks = 1", config))
    weights = tmp_path / "weights.safetensors"
    trained = random_denoiser(bent=bent)
    save_file(trained.state_dict(), weights)
    pack(weights, folder, reach=0.8)
    network, x = read_package(folder).load(), torch.rand(1, 3, 16, 16)
    for detail in (0.0, 0.5, 1.0):
        expected = trained(x, torch.tensor([[30.0, 0.8 * detail]]))
        torch.testing.assert_close(network(x, torch.tensor([[30.0, detail]])), expected)


def test_half_precision_halves_the_file_and_is_what_golden_was_made_of(tmp_path: Path) -> None:
    folder = write_package(tmp_path)
    weights = tmp_path / "weights.safetensors"
    trained = random_denoiser()
    save_file(trained.state_dict(), weights)
    pack(weights, folder, half=True)
    assert (folder / "weights.safetensors").stat().st_size < 0.6 * weights.stat().st_size
    network, x, lam = read_package(folder).load(), torch.rand(1, 3, 16, 16), torch.ones(1, 2)
    assert network(x, lam).dtype == torch.float32
    torch.testing.assert_close(network(x, lam), trained.half().float()(x, lam))


def test_the_curve_of_the_training_is_packed_with_its_weights(tmp_path: Path) -> None:
    folder = write_package(tmp_path)
    weights = tmp_path / "weights.safetensors"
    save_file(random_denoiser().state_dict(), weights)
    log = [{"step": s, "loss": 2.0 / s, "validation": {"psnr_25": 30.0 + s}} for s in (1, 2)]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row) for row in log))
    pack(weights, folder)
    read_package(folder)  # its digest too
    assert "| step | loss | psnr_25 |" in (folder / "card.md").read_text()
    assert "| 2 | 1 | 32 |" in (folder / "card.md").read_text()
    (tmp_path / "log.jsonl").unlink()
    pack(weights, folder)
    assert "psnr_25" not in (folder / "card.md").read_text(), "the curve of other weights"


@pytest.mark.parametrize("indent", ["", "  "])
def test_sealing_keeps_what_stands_around_the_digests(
    make_package: PackageMaker, indent: str
) -> None:
    folder = make_package()
    manifest = folder / MANIFEST
    before = manifest.read_text()
    words = "# What comes with it.\n\n[presets]\nStrong = { noise = 70.0 }\n"
    presets = textwrap.indent(words, indent)
    manifest.write_text(f"{before}\n{presets}")
    for _ in range(2):
        assert seal(folder).presets == {"Strong": {"noise": 70.0}}
    head, files = before.split("[files]")
    assert manifest.read_text() == f"{head}{presets}\n[files]{files}"


def test_what_editors_and_systems_leave_behind_is_no_part_of_the_package(
    make_package: PackageMaker,
) -> None:
    folder = make_package()
    files = seal(folder).files
    for name in (".DS_Store", ".model.toml.swp", "model.toml~", "notes of today.txt"):
        (folder / name).touch()
    assert seal(folder).files == files


def test_a_slider_that_counts_from_its_high_end_cannot_be_shortened(tmp_path: Path) -> None:
    folder = tmp_path / "style"
    shutil.copytree(ZOO / "style", folder)
    before = (folder / WEIGHTS).read_bytes()
    with pytest.raises(RheostatError, match=r"cannot reach 0\.5"):
        pack(folder / WEIGHTS, folder, reach=0.5)
    assert (folder / WEIGHTS).read_bytes() == before
