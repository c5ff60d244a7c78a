"""Tasks and what they do to pictures: the fault has the strength it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from packages import REPOSITORY
from rheostat.data import read_rgb, to_float
from rheostat.degradations import (
    REACH,
    add_camera_noise,
    blur,
    blur_kernels,
    compress,
    interpolate_mosaic,
)
from rheostat.nets.deblocker import quantisation_scale
from rheostat.tasks import TASKS, Restoration, denoise, restoration
from rheostat.tasks.denoise import CameraTask
from rheostat.tasks.upscale import QuadrupleTask
from torch import Tensor, nn

PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"


RESTORATIONS = sorted(name for name, kind in TASKS.items() if issubclass(kind, Restoration))


@pytest.fixture(params=RESTORATIONS)
def task(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Restoration:
    monkeypatch.setattr(restoration, "LPIPS", lambda _backbones: nn.Identity())
    made = TASKS[request.param](Path())
    assert isinstance(made, Restoration)
    return made


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    return to_float(read_rgb(PHOTOGRAPH))[None, :, 100:200, 100:200]


def test_samples_have_the_patch_size_and_lambda_in_range(
    task: Restoration, photograph: Tensor
) -> None:
    clean = photograph.expand(8, -1, -1, -1)
    batch = task.draw(clean, 0.5, torch.Generator().manual_seed(0))
    side = 100 - 2 * task.margin
    assert batch.target.shape == (8, 3, side, side)
    assert batch.input.shape == (8, 3, side // task.scale, side // task.scale)
    middle = slice(task.margin, 100 - task.margin)
    assert torch.equal(batch.target, clean[:, :, middle, middle])
    assert int((batch.lam[:, -1] > 0).sum()) == 4
    assert bool((task.level(batch.lam[:, :-1]) > 0).all())


@pytest.mark.parametrize(("count", "detailed"), [(1, 0.5), (2, 0.25), (4, 0.35)])
def test_small_batches_have_their_share_of_detail_too(
    task: Restoration, photograph: Tensor, count: int, detailed: float
) -> None:
    clean, generator = photograph[:, :, :48, :48].expand(count, -1, -1, -1), torch.Generator()
    drawn = [task.draw(clean, detailed, generator.manual_seed(seed)).lam for seed in range(40)]
    numbers = [int((lam[:, -1] > 0).sum()) for lam in drawn]
    assert set(numbers) == {int(count * detailed), int(count * detailed) + 1}
    assert sum(numbers) / (40 * count) == pytest.approx(detailed, abs=0.15)


def test_a_fault_is_there_and_drawn_by_seed(task: Restoration, photograph: Tensor) -> None:
    for fault in task.probes.values():
        once, again = (
            task.degrade(photograph, torch.tensor([fault]), torch.Generator().manual_seed(5))
            for _ in range(2)
        )
        assert torch.equal(once, again)
        assert float((task.untouched(once) - photograph).abs().mean()) * 255 > 1


def test_what_is_judged_of_enlargements_is_luma_without_the_border() -> None:
    task = object.__new__(QuadrupleTask)
    white = torch.ones(1, 3, 20, 24)
    torch.testing.assert_close(task.judged(white), torch.full((1, 1, 12, 16), 235 / 255))


def test_compression_is_worse_the_lower_the_quality(photograph: Tensor) -> None:
    errors = [
        float((compress(photograph[0], quality, "4:2:0") - photograph[0]).abs().mean())
        for quality in (10, 30, 60, 90)
    ]
    assert errors == sorted(errors, reverse=True)


def test_quantisation_scale_is_that_of_libjpeg() -> None:
    found = quantisation_scale(torch.tensor([10.0, 25.0, 50.0, 75.0, 95.0, 100.0]))
    torch.testing.assert_close(found, torch.tensor([5.0, 2.0, 1.0, 0.5, 0.1, 0.0]))


def test_blur_is_convolution_with_its_kernel(photograph: Tensor) -> None:
    shape = torch.tensor([[0.8, 7.0, 30.0]])
    kernel = blur_kernels(shape)[0].flip(0, 1)[None, None].expand(3, 1, -1, -1)
    padded = F.pad(photograph, (REACH,) * 4, mode="reflect")
    expected = F.conv2d(padded, kernel, groups=3)
    torch.testing.assert_close(blur(photograph, shape), expected, atol=1e-5, rtol=0)


def test_a_kernel_has_the_width_and_direction_it_says() -> None:
    place = torch.arange(-REACH, REACH + 1.0)
    round_one, line = blur_kernels(torch.tensor([[2.0, 0.0, 0.0], [0.0, 12.0, 90.0]]))
    assert float((round_one.sum(0) * place**2).sum()) == pytest.approx(4.0, rel=1e-3)
    assert float((line.sum(1) * place**2).sum()) == pytest.approx(12.0**2 / 12, rel=0.1)
    assert float((line.sum(0) * place**2).sum()) < 0.2
    rising = blur_kernels(torch.tensor([[0.0, 12.0, 45.0]]))[0]
    assert float(rising[REACH - 3, REACH + 3]) > 100 * float(rising[REACH + 3, REACH + 3])


def test_no_blur_is_no_change(photograph: Tensor) -> None:
    torch.testing.assert_close(blur(photograph, torch.zeros(1, 3)), photograph)


def camera_noise(clean: Tensor, shot: float, mosaic: bool, sigma: float = 20.0) -> Tensor:
    """What is added to `clean`."""
    noisy = add_camera_noise(
        clean,
        torch.full((len(clean),), sigma),
        torch.full((len(clean),), shot),
        torch.full((len(clean),), mosaic),
        torch.Generator().manual_seed(0),
    )
    return noisy - clean


@pytest.mark.parametrize("shot", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("mosaic", [False, True])
def test_a_cameras_noise_has_the_sigma_it_says(
    photograph: Tensor, shot: float, mosaic: bool
) -> None:
    clean = torch.cat((photograph, 0.2 * photograph))[:, :, :99, :97]
    rms = camera_noise(clean, shot, mosaic).square().mean((1, 2, 3)).sqrt() * 255
    torch.testing.assert_close(rms, torch.full((2,), 20.0))


def test_of_parts_of_one_picture_the_dark_one_has_more_noise_than_sigma() -> None:
    flat = torch.linspace(0.1, 0.9, 8)[:, None, None, None].expand(8, 3, 64, 64).contiguous()
    sigma, shot = torch.full((8,), 20.0), torch.full((8,), 0.5)
    mosaic = torch.tensor([True, False] * 4)
    generator = torch.Generator().manual_seed(0)
    noise = add_camera_noise(flat, sigma, shot, mosaic, generator, together=True) - flat
    each = noise.square().mean((1, 2, 3)).sqrt() * 255
    assert each.tolist() == sorted(each.tolist(), reverse=True)
    assert float(each.square().mean().sqrt()) == pytest.approx(20, rel=0.02)


def test_reading_noise_is_strongest_in_shadows_and_lights_less_so() -> None:
    """In linear light it is even, and the sRGB curve is steepest in the dark."""
    ramp = torch.linspace(0.02, 1, 256).expand(1, 3, 256, 256).contiguous()

    def fall(shot: float) -> float:
        noise = camera_noise(ramp, shot, False)
        dark, bright = noise[..., 32:64].std(), noise[..., -32:].std()
        return float(dark / bright)

    assert fall(0.0) > fall(0.5) > fall(1.0)
    # Of light alone: √light · light^(1/2.2 − 1) goes with the power 1/2.2 − 1/2, which is almost 0.
    assert fall(1.0) == pytest.approx(1, abs=0.25)
    assert fall(0.0) > 3


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_white_noise_and_a_cameras_make_up_sigma_together(
    photograph: Tensor, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoration, "LPIPS", lambda _backbones: nn.Identity())
    monkeypatch.setattr(denoise, "compress", lambda picture, *_how: picture)
    clean = photograph.expand(64, -1, -1, -1)
    faults = torch.tensor([[20.0, share]]).expand(64, -1)
    generator = torch.Generator().manual_seed(0)
    noise = CameraTask(Path()).degrade(clean, faults, generator) - clean
    assert float(noise.square().mean().sqrt()) * 255 == pytest.approx(20, rel=0.01)


def test_a_mosaic_makes_neighbours_and_no_others_alike() -> None:
    flat = torch.full((1, 3, 256, 256), 0.5)

    def alike(noise: Tensor, distance: int) -> float:
        a, b = noise[..., distance:].flatten(), noise[..., :-distance].flatten()
        return float(torch.corrcoef(torch.stack((a, b)))[0, 1])

    white, coarse = (camera_noise(flat, 0.5, mosaic) for mosaic in (False, True))
    assert abs(alike(white, 1)) < 0.02
    assert alike(coarse, 1) > 0.3
    assert abs(alike(coarse, 4)) < 0.02


def test_interpolating_a_mosaic_keeps_what_was_seen_and_what_is_even(photograph: Tensor) -> None:
    seen = interpolate_mosaic(photograph)
    assert torch.equal(seen[:, 0, ::2, ::2], photograph[:, 0, ::2, ::2])
    assert torch.equal(seen[:, 1, ::2, 1::2], photograph[:, 1, ::2, 1::2])
    assert torch.equal(seen[:, 2, 1::2, 1::2], photograph[:, 2, 1::2, 1::2])
    flat = torch.full((1, 3, 7, 10), 0.3)
    torch.testing.assert_close(interpolate_mosaic(flat), flat)
