"""Every shipped model keeps its promises, on a photograph and in its evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from packages import REPOSITORY, ZOO
from rheostat import bake
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_gaussian_noise, blur
from rheostat.evaluation import violations
from rheostat.nets import Network
from rheostat.package import Package, read_package
from rheostat.packing import read_evidence
from rheostat.recipe import read_recipe
from rheostat.tasks import TASKS, Restoration, restoration
from rheostat_client.controls import Control
from rheostat_client.pixels import pixel_format
from rheostatd.raster import Picture, pad
from rheostatd.renderer import Renderer
from rheostatd.view import View
from torch import Tensor, nn


def _task(model: str) -> str:
    return read_recipe(ZOO / model / "recipe.toml").task


MODELS = sorted(path.parent.name for path in ZOO.glob("*/model.toml"))
RESTORERS = [name for name in MODELS if issubclass(TASKS[_task(name)], Restoration)]
PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"


@pytest.fixture(scope="module", params=MODELS)
def package(request: pytest.FixtureRequest) -> Package:
    return read_package(ZOO / request.param)


@pytest.fixture(scope="module")
def network(package: Package) -> Network:
    return package.load()


@pytest.fixture(scope="module", params=RESTORERS)
def restorer(request: pytest.FixtureRequest) -> Package:
    return read_package(ZOO / request.param)


@pytest.fixture(scope="module")
def task(restorer: Package) -> Restoration:
    """The task of a restorer, without its perceptual loss."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restoration, "LPIPS", lambda _backbones: nn.Identity())
        made = TASKS[_task(restorer.info.id)](Path())
    assert isinstance(made, Restoration)
    return made


@pytest.fixture(scope="module")
def noisy() -> Tensor:
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, 64:224, 96:256]
    return add_gaussian_noise(clean, torch.tensor([20.0]), torch.Generator().manual_seed(0))


def positions(package: Package) -> Tensor:
    """λ at the low end, off the beaten track and at the high end of every control."""
    columns = [[c.value(t) for t in (0.0, 0.1, 0.55, 1.0)] for c in package.info.controls]
    return torch.tensor(columns).T


def test_the_recipe_is_for_the_network_that_is_packed(package: Package) -> None:
    recipe, architecture = (
        read_recipe(package.folder / "recipe.toml"),
        package.manifest.architecture,
    )
    assert recipe.architecture == architecture.name == TASKS[recipe.task].architecture
    assert recipe.config == architecture.config
    assert TASKS[recipe.task].controls == tuple(c.id for c in package.info.controls)


def test_golden_picture(package: Package) -> None:
    package.check_golden()


def test_off_is_exact(package: Package, network: Network, noisy: Tensor) -> None:
    defaults = {c.id: c.default for c in package.info.controls}
    for control in package.info.controls:
        if control.off is not None:
            values = defaults | {control.id: control.off}
            assert package.is_off(values)
            assert torch.equal(network(noisy, package.coordinates(values)[None]), noisy)


def test_no_jump_on_the_way_to_off(package: Package, network: Network, noisy: Tensor) -> None:
    """A hundredth of the travel away from off, the picture changes by less than one level."""
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, 64:224, 96:256]
    for index, control in enumerate(package.info.controls):
        if control.off is None:
            continue
        low, high = control.soft
        step = (high - low) / 100 * (1 if control.off == low else -1)
        for end in (0, 1):
            lam = torch.tensor([[c.soft[end] for c in package.info.controls]])
            lam[0, index] = control.off + step
            for picture in (clean, noisy):
                change = (network(picture, lam) - picture).square().mean().sqrt() * 255
                assert float(change) < 1


def test_baked_equals_dynamic(package: Package, network: Network, noisy: Tensor) -> None:
    for lam in positions(package):
        baked = bake(network, lam)(noisy)
        torch.testing.assert_close(baked, network(noisy, lam[None]), atol=1e-5, rtol=0)


def test_tiles_equal_the_whole(package: Package, network: Network, noisy: Tensor) -> None:
    form = pixel_format("rgb32f")
    height, width = 159, 151
    values = noisy[0, :, :height, :width].permute(1, 2, 0).contiguous().numpy()
    picture = Picture(form, width, height, values.tobytes())
    view = View(package, picture, {c.id: c.value(0.55) for c in package.info.controls})
    results = []
    for tile in (64, 1024):
        out = np.zeros((package.scale * height, package.scale * width, 3), np.float32)
        renderer = Renderer(torch.device("cpu"), tile)
        for box, tile_values in renderer.render(network, view, picture.box):
            out[box.within(picture.box)] = tile_values
        results.append(out)
    whole = network(pad(noisy[:, :, :height, :width], package.multiple), coordinates(view)[None])
    height, width = package.scale * height, package.scale * width
    expected = whole[0, :, :height, :width].permute(1, 2, 0).numpy()
    for result in results:
        np.testing.assert_allclose(result, expected, atol=1e-5, rtol=0)


def coordinates(view: View) -> Tensor:
    return view.package.coordinates(view.controls)


def test_a_white_map_gives_the_sliders_result_bit_for_bit(
    package: Package, network: Network, noisy: Tensor
) -> None:
    form, side = pixel_format("rgb32f"), 96
    values = noisy[0, :, :side, :side].permute(1, 2, 0).contiguous().numpy()
    picture = Picture(form, side, side, values.tobytes())
    white = Picture(pixel_format("gray8"), side, side, b"\xff" * side**2)
    controls = {c.id: c.value(0.55) for c in package.info.controls}
    maps = {c.id: white for c in package.info.controls if c.map}
    results = []
    for given in ({}, maps):
        out = np.zeros((package.scale * side, package.scale * side, 3), np.float32)
        view = View(package, picture, controls, given)
        renderer = Renderer(torch.device("cpu"), precision="float32")
        for box, found in renderer.render(network, view, picture.box):
            out[box.within(picture.box)] = found
        results.append(out)
    np.testing.assert_array_equal(results[0], results[1])


def test_a_constant_map_equals_the_scalar(
    package: Package, network: Network, noisy: Tensor
) -> None:
    for lam in positions(package):
        painted = lam[None, :, None, None].expand(-1, -1, *noisy.shape[2:])
        # Each slope of a kernel is a convolution of its own here: sums in another order.
        torch.testing.assert_close(
            network(noisy, painted), network(noisy, lam[None]), atol=2e-5, rtol=0
        )


def test_in_half_precision_results_are_float32_and_finite(
    package: Package, network: Network
) -> None:
    half = network.bake(positions(package)[2]).to(torch.bfloat16)(package.golden()[0])
    assert half.dtype == torch.float32
    assert bool(half.isfinite().all())


def test_half_precision_does_not_show(restorer: Package, task: Restoration) -> None:
    network = restorer.load()
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, 64:224, 96:256]
    for fault in [fault for faults in task.series.values() for fault in faults.values()]:
        x = task.spoil(clean, fault, 0)
        for detail in (0.0, 1.0):
            lam = torch.tensor((*fault, detail), dtype=torch.float32)
            exact, half = network.bake(lam)(x), network.bake(lam).to(torch.bfloat16)(x)
            assert half.dtype == torch.float32
            assert float((half - exact).abs().max()) <= 3 / 255, (fault, detail)
            psnr = [
                -10 * torch.log10((y.clamp(0, 1) - clean).square().mean()) for y in (exact, half)
            ]
            assert abs(float(psnr[0] - psnr[1])) <= 0.02, (fault, detail)


def test_every_shipped_restorer_repairs_what_it_was_made_for(
    restorer: Package, task: Restoration
) -> None:
    network = restorer.load()
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, 64:224, 96:256]
    x = task.spoil(clean, task.middle, 0)
    result = network(x, torch.tensor([[*task.middle, 0.0]]))
    before, after = task.untouched(x) - clean, result - clean
    assert float(after.square().mean()) < 0.8 * float(before.square().mean())


def test_late_controls_leave_the_trunk_as_it_is(
    package: Package, network: Network, noisy: Tensor
) -> None:
    middle = {c.id: c.value(0.55) for c in package.info.controls}
    for control in package.info.controls:
        ends = [package.coordinates(middle | {control.id: end}) for end in control.soft]
        features = [network.bake(lam).trunk(noisy) for lam in ends]
        assert torch.equal(*features) == (control.stage != "trunk")


def test_finite_outside_the_trained_range(
    package: Package, network: Network, noisy: Tensor
) -> None:
    low, high = (torch.tensor([c.hard[end] for c in package.info.controls]) for end in (0, 1))
    span = high - low
    wide = torch.stack((high + 0.3 * span, torch.maximum(low - 0.3 * span, torch.zeros(()))))
    for lam in wide:
        result = network(noisy, lam[None])
        assert bool(torch.isfinite(result).all())
        assert float(result.abs().max()) < 4


def test_every_control_does_something(package: Package, network: Network, noisy: Tensor) -> None:
    middle = [c.value(0.6) for c in package.info.controls]
    for index, control in enumerate(package.info.controls):
        moved = list(middle)
        moved[index] = control.value(0.9)
        change = network(noisy, torch.tensor([moved])) - network(noisy, torch.tensor([middle]))
        assert float(change.abs().mean()) * 255 > 0.1, control.id


def test_each_loss_falls_along_its_own_slider(package: Package) -> None:
    for name, found in read_evidence(package.folder).items():
        assert found["digest"] == package.info.digest, "evidence of other weights"
        for control in package.info.controls:
            if control.monotone is not None:
                curve = _curve(found["sweeps"], control)
                assert violations(curve) == 0, f"{control.monotone} rises on {name}: {curve}"
                assert curve[-1] < curve[0]


def test_the_error_falls_towards_the_right_setting(restorer: Package) -> None:
    """A slider that says what is wrong with the picture has its least error where that is true."""
    for found in read_evidence(restorer.folder).values():
        offset = found["sweeps"]["offset"]
        at = offset["position"].index(0)
        assert violations([-psnr for psnr in offset["psnr"][: at + 1]]) == 0
        assert violations(offset["psnr"][at:]) == 0


@pytest.mark.parametrize(
    ("slider", "positions", "true"),
    [("motion", (4, 6, 8, 10, 12), 8), ("angle", (-40, -20, 0, 20, 40, 60, 80), 20)],
)
def test_motion_is_undone_best_along_its_own_line(
    slider: str, positions: tuple[float, ...], true: float
) -> None:
    """On a motion of 8 px at 20°, from half to one and a half times as long, and round the circle.

    Far too short a motion is undone so little that it does less harm than one of half the length.
    """
    network = read_package(ZOO / "deblur").load()
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, 64:224, 96:256]
    lam = torch.tensor([[0.0, 8.0, 20.0, 0.0]]).repeat(len(positions), 1)
    blurred = blur(clean, lam[:1, :3])
    lam[:, {"motion": 1, "angle": 2}[slider]] = torch.tensor(positions)
    results = torch.cat([network(blurred, one[None] % 180) for one in lam])
    errors = (results - clean)[..., 16:-16, 16:-16].square().mean((1, 2, 3)).tolist()
    at = positions.index(true)
    assert violations(errors[: at + 1]) == 0, errors
    assert violations(errors[at:][::-1]) == 0, errors


def test_estimators_are_right_where_the_faults_are_what_they_look_for(package: Package) -> None:
    """White noise of σ 5 to 50 to a level and a half, and the quality of a JPEG to two."""
    auto = package.info.controls[0].auto
    if auto is None:
        return
    series, allowed, last = {"noise": ("sigma", 1.5, 50), "quality": ("jpeg", 2.0, 95)}[auto]
    for found in read_evidence(package.folder).values():
        sweep = found["sweeps"][f"auto_{series}"]
        errors = dict(zip(sweep["position"], sweep["error"], strict=True))
        assert {at: e for at, e in errors.items() if at <= last and e > allowed} == {}


def test_detail_trades_fidelity_for_perception() -> None:
    for found in read_evidence(ZOO / "denoise").values():
        fidelity = found["sweeps"]["detail"]["fidelity"]
        assert violations(fidelity[::-1]) == 0, (
            f"the way back to detail 0 costs fidelity: {fidelity}"
        )


def test_detail_does_what_no_opacity_does() -> None:
    """At the same PSNR the slider's picture is perceptually nearer than a mixture of its ends."""
    for found in read_evidence(ZOO / "denoise").values():
        detail, blend = found["sweeps"]["detail"], found["sweeps"]["blend"]
        falling = slice(1, None)  # from where PSNR falls
        mixed = np.interp(
            -np.array(detail["psnr"][1:-1]),
            -np.array(blend["psnr"][falling]),
            blend["perception"][falling],
        )
        assert (np.array(detail["perception"][1:-1]) < mixed).all()


def test_evidence_names_the_command_that_measured_it(package: Package) -> None:
    evidence = read_evidence(package.folder)
    assert evidence, "run: rheostat evaluate"
    for found in evidence.values():
        assert found["command"].startswith("rheostat evaluate")


def _curve(sweeps: dict[str, dict[str, list[float]]], control: Control) -> list[float]:
    sweep = sweeps[control.id]
    assert len(sweep["position"]) >= 11
    return sweep[control.monotone or ""]


def test_a_recipe_is_beside_every_model() -> None:
    missing = [name for name in MODELS if not Path(ZOO / name / "recipe.toml").is_file()]
    assert MODELS
    assert missing == []
