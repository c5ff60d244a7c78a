"""Training on a handful of small pictures: it learns, it stops on time, it resumes exactly."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from packages import REPOSITORY, random_denoiser
from PIL import Image
from rheostat import training
from rheostat.data import centre, read_rgb
from rheostat.degradations import add_gaussian_noise
from rheostat.kernels import TunableConv2d
from rheostat.losses import MultiLoss
from rheostat.nets import ARCHITECTURES
from rheostat.recipe import read_recipe
from rheostat.tasks import TASKS, restoration
from rheostat.training import Trainer, keep_only, train
from rheostat_client.errors import RheostatError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

RECIPES = sorted((REPOSITORY / "models" / "zoo").glob("*/recipe.toml"))
RECIPE = """
architecture = "denoiser"
config = { width = 8, blocks = 1 }
task = "denoise"
held_out = 1
validate_every = 4
stages = [
    { steps = 5, batch = 4, patch = 18, learning_rate = 1e-3, detailed = 0.25 },
    { steps = 3, batch = 2, patch = 20, learning_rate = 1e-4, detailed = 0.75 },
]
"""


class Distance(nn.Module):
    """In LPIPS' place where its weights are not needed: a blurred difference."""

    def __init__(self, _backbones: Path) -> None:
        super().__init__()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.avg_pool2d((x - y).abs(), 3).mean((1, 2, 3))


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(restoration, "LPIPS", Distance)
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for index in range(4):
        small = torch.randint(256, (6, 8, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(small.numpy()).resize((48, 40)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def run(
    recipe: Path, pictures: Path, out: Path, *, minutes: float = 5, resume: bool = False
) -> dict[str, Tensor]:
    weights = train(
        recipe, pictures, minutes=minutes, out=out, backbones=out, resume=resume, device="cpu"
    )
    return load_file(weights)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_resumed_equals_uninterrupted_bit_for_bit(
    optimizer: str, recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    recipe.write_text(f'optimizer = "{optimizer}"\n' + RECIPE)
    whole = run(recipe, pictures, tmp_path / "whole")
    first = Trainer(
        read_recipe(recipe), pictures, tmp_path / "parts", tmp_path, torch.device("cpu")
    )
    for _ in range(3):
        first.take_step()
    first.save()
    parts = run(recipe, pictures, tmp_path / "parts", resume=True)
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_training_lowers_the_loss_it_names(recipe: Path, pictures: Path, tmp_path: Path) -> None:
    longer = "steps = 100, batch = 8, patch = 18, learning_rate = 3e-3"
    recipe.write_text(
        RECIPE.replace("steps = 5, batch = 4, patch = 18, learning_rate = 1e-3", longer)
    )
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    before = trainer.validate()
    for _ in range(100):
        trainer.take_step()
    after = trainer.validate()
    assert after["psnr_50"] > before["psnr_50"] + 1
    assert after["lpips_detail_1"] < before["lpips_detail_1"]


def test_a_step_knows_its_stage(recipe: Path) -> None:
    stages = read_recipe(recipe)
    assert stages.steps == 8
    assert [stages.stage(step)[1] for step in range(8)] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert stages.stage(5)[0].detailed == 0.75


def test_no_minutes_is_no_step_but_a_checkpoint(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    run(recipe, pictures, tmp_path / "out", minutes=0)
    assert (tmp_path / "out" / "checkpoint.safetensors").exists()


def test_asked_to_stop_it_keeps_what_it_has(recipe: Path, pictures: Path, tmp_path: Path) -> None:
    whole = run(recipe, pictures, tmp_path / "whole")
    answers = iter([False, False, True])
    train(
        recipe,
        pictures,
        minutes=5,
        out=tmp_path / "stopped",
        backbones=tmp_path,
        device="cpu",
        should_stop=lambda: next(answers),
    )
    resumed = run(recipe, pictures, tmp_path / "stopped", resume=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_is_never_overwritten_by_accident(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    run(recipe, pictures, tmp_path / "out", minutes=0)
    with pytest.raises(RheostatError, match="exists already") as caught:
        run(recipe, pictures, tmp_path / "out")
    assert "--resume" in caught.value.remedy


def test_a_damaged_checkpoint_is_refused(recipe: Path, pictures: Path, tmp_path: Path) -> None:
    run(recipe, pictures, tmp_path / "out", minutes=0)
    checkpoint = tmp_path / "out" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(RheostatError) as caught:
        run(recipe, pictures, tmp_path / "out", resume=True)
    assert caught.value.code == "bad-checkpoint"


@pytest.mark.parametrize("wrong", ["loss of nan", "gradient that is not finite"])
def test_a_step_that_is_not_finite_ends_it_and_spoils_nothing(
    wrong: str, recipe: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    recipe.write_text(RECIPE.replace("steps = 5", "steps = 2"))
    run(recipe, pictures, tmp_path / "out")
    checkpoint = tmp_path / "out" / "checkpoint.safetensors"
    before = checkpoint.read_bytes()

    def broken(_task: object, output: Tensor, _batch: object) -> Tensor:
        found = output.mean()
        return found * math.nan if "loss" in wrong else (found - found.detach()).sqrt()

    monkeypatch.setattr(restoration.Restoration, "loss", broken)
    recipe.write_text(RECIPE)
    with pytest.raises(RheostatError, match=f"Step 6 has a {wrong}") as caught:
        run(recipe, pictures, tmp_path / "out", resume=True)
    assert caught.value.code == "diverged"
    assert str(checkpoint) in caught.value.message
    assert "--resume" in caught.value.remedy
    assert checkpoint.read_bytes() == before
    with pytest.raises(RheostatError, match="nothing was saved yet"):
        run(recipe, pictures, tmp_path / "new")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("steps = 5", "steps = 0", "steps"),
        ("steps = 5", "setps = 5", "setps"),
        ('task = "denoise"', 'task = "denoize"', "Did you mean denoise"),
        ('architecture = "denoiser"', 'architecture = "unet"', "unet"),
        ("batch = 4", "batch = four", "cannot be read"),
        ("detailed = 0.75", "detailed = 0.75, only = [9]", "coordinate 9"),
        ("width = 8", "widht = 8", "widht"),
        ("width = 8", "width = -8", "config"),
        ("width = 8", "late = 2, width = 8", "late is 2"),
        ('task = "denoise"', 'task = "deblur"', "architecture deblurrer, not for denoiser"),
        ('"denoiser"', '"camera-denoiser"', "architecture denoiser"),
        ("patch = 20", "patch = 21", "21 pixels wide; it can be a multiple of 2"),
        ("patch = 20", "patch = 16", "and at least 18"),
    ],
)
def test_a_wrong_recipe_names_what_is_wrong(
    recipe: Path, pictures: Path, tmp_path: Path, old: str, new: str, word: str
) -> None:
    recipe.write_text(RECIPE.replace(old, new))
    with pytest.raises(RheostatError) as caught:
        run(recipe, pictures, tmp_path / "out")
    assert caught.value.code == "bad-recipe"
    assert word in str(caught.value)


def test_a_network_and_a_task_enlarge_alike(recipe: Path, pictures: Path, tmp_path: Path) -> None:
    text = RECIPE.replace('"denoiser"', '"upscaler"').replace('"denoise"', '"upscale-2"')
    recipe.write_text(text)
    run(recipe, pictures, tmp_path / "out")
    recipe.write_text(text.replace("width = 8", "scale = 4, width = 8"))
    with pytest.raises(RheostatError, match="enlarges 2 times, the network 4") as caught:
        run(recipe, pictures, tmp_path / "other")
    assert caught.value.code == "bad-recipe"


def test_a_checkpoint_of_another_optimizer_is_refused(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    recipe.write_text(RECIPE.replace("steps = 3", "steps = 2"))
    run(recipe, pictures, tmp_path / "out")
    recipe.write_text('optimizer = "muon"\n' + RECIPE)
    with pytest.raises(RheostatError, match="with adam, the recipe says muon") as caught:
        run(recipe, pictures, tmp_path / "out", resume=True)
    assert caught.value.code == "bad-checkpoint"


def test_unreadable_and_missing_pictures_are_named(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "torn.png").write_bytes((pictures / "0.png").read_bytes()[:200])
    with pytest.raises(RheostatError, match=r"torn\.png"):
        run(recipe, pictures, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RheostatError, match="holds no picture"):
        run(recipe, tmp_path / "empty", tmp_path / "out")
    (pictures / "0.png").rename(tmp_path / "empty" / "0.png")
    with pytest.raises(RheostatError, match="holds one picture"):
        run(recipe, tmp_path / "empty", tmp_path / "out")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_shipped_recipes_can_be_read(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.task in TASKS
    assert recipe.architecture in ARCHITECTURES


def test_it_starts_from_what_fits_of_other_weights(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    run(recipe, pictures, tmp_path / "first")
    weights = load_file(tmp_path / "first" / "weights.safetensors")
    recipe.write_text(RECIPE.replace("blocks = 1", "blocks = 2"))
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    trainer.start_from(tmp_path / "first" / "weights.safetensors")
    own = trainer.network.state_dict()
    assert own.keys() > weights.keys()
    assert all(torch.equal(own[name], value) for name, value in weights.items())
    recipe.write_text(RECIPE.replace("blocks = 1", "blocks = 1, bent = true"))
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    trainer.start_from(tmp_path / "first" / "weights.safetensors")
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value[: len(weights[name])], weights[name])
        assert not value[len(weights[name]) :].any()
    recipe.write_text(RECIPE.replace("width = 8, blocks = 1", "width = 4, blocks = 1, bent = true"))
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    before = trainer.network.state_dict()["head.network.leave.weight_slopes"].clone()
    trainer.start_from(tmp_path / "first" / "weights.safetensors")
    after = trainer.network.state_dict()["head.network.leave.weight_slopes"]
    assert torch.equal(after, before)
    strange = tmp_path / "strange.safetensors"
    save_file({"other": torch.zeros(1)}, strange)
    with pytest.raises(RheostatError, match="Nothing in"):
        trainer.start_from(strange)


def test_slopes_of_the_last_control_stay_those_of_the_last_control(
    recipe: Path, pictures: Path, tmp_path: Path
) -> None:
    """From (noise, detail) to (noise, camera, camera · noise, detail, detail²)."""
    known = random_denoiser()
    save_file(known.state_dict(), tmp_path / "known.safetensors")
    text = RECIPE.replace('"denoiser"', '"camera-denoiser"').replace(
        '"denoise"', '"denoise-camera"'
    )
    recipe.write_text(text.replace("blocks = 1", "blocks = 1, bent = true"))
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    trainer.start_from(tmp_path / "known.safetensors")
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    ours = trainer.network(x, torch.tensor([[20.0, 0.0, 0.3], [60.0, 0.0, 1.0]]))
    torch.testing.assert_close(ours, known(x, torch.tensor([[20.0, 0.3], [60.0, 1.0]])))


def test_held_out_pictures_of_any_size_fit_every_network() -> None:
    assert centre(torch.zeros(3, 45, 300), 192).shape == (3, 40, 192)


def test_grey_pictures_of_16_bits_are_as_bright_as_those_of_8(tmp_path: Path) -> None:
    levels = torch.arange(48, dtype=torch.uint8).reshape(6, 8).numpy() * 5
    Image.fromarray(levels).save(tmp_path / "8.png")
    for name in ("16.png", "16.tif"):
        Image.fromarray(levels * np.uint16(257)).save(tmp_path / name)
        assert torch.equal(read_rgb(tmp_path / name), read_rgb(tmp_path / "8.png"))


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_pictures_whose_white_is_not_known_are_refused(kind: str, tmp_path: Path) -> None:
    Image.fromarray(np.ones((6, 8), kind)).save(tmp_path / "deep.tif")
    with pytest.raises(RheostatError, match=r"deep\.tif has values of 32 bits") as caught:
        read_rgb(tmp_path / "deep.tif")
    assert caught.value.code == "bad-picture"


def test_of_two_pictures_one_is_held_out(pictures: Path, recipe: Path, tmp_path: Path) -> None:
    for path in sorted(pictures.iterdir())[2:]:
        path.unlink()
    recipe.write_text(RECIPE.replace("held_out = 1", "held_out = 8"))
    trainer = Trainer(
        read_recipe(recipe), pictures, tmp_path / "out", tmp_path, torch.device("cpu")
    )
    assert len(trainer.held_out) == 1
    trainer.take_step()


def test_a_stage_of_some_slopes_leaves_layers_of_other_kinds_alone() -> None:
    first = TunableConv2d(1, 2, 1, controls=2)
    network = nn.ModuleList((first, nn.PReLU(), nn.Conv2d(2, 1, 1)))
    y = first(torch.rand(1, 1, 4, 4), torch.rand(1, 2))
    for layer in list(network)[1:]:
        y = layer(y)
    y.sum().backward()
    keep_only(network, (1,))
    left = {name for name, p in network.named_parameters() if p.grad is not None}
    assert left == {"0.weight_slopes", "0.bias_slopes"}
    gradient = first.weight_slopes.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1].any()


def test_noise_has_the_strength_it_says_and_its_seed() -> None:
    clean = torch.full((2, 3, 64, 64), 0.5)
    sigma = torch.tensor([10.0, 50.0])
    noisy = add_gaussian_noise(clean, sigma, torch.Generator().manual_seed(1))
    measured = (noisy - clean).std((1, 2, 3)) * 255
    torch.testing.assert_close(measured, sigma, rtol=0.03, atol=0)
    assert torch.equal(noisy, add_gaussian_noise(clean, sigma, torch.Generator().manual_seed(1)))


def test_multi_loss_makes_terms_comparable_and_counts_only_weighted_samples() -> None:
    loss = MultiLoss(("small", "large"), decay=0.5)
    values = {"small": torch.tensor([1e-3, 1e-3]), "large": torch.tensor([1e3, 0.0])}
    weights = {"small": torch.tensor([1.0, 1.0]), "large": torch.tensor([1.0, 0.0])}
    assert float(loss(values, weights)) == pytest.approx(1 + 0.5)
    assert loss.averages.tolist() == pytest.approx([1e-3, 1e3])
    loss(
        {"small": torch.tensor([3e-3]), "large": torch.zeros(1)}, {k: torch.ones(1) for k in values}
    )
    assert loss.averages.tolist() == pytest.approx([2e-3, 5e2])


def test_a_stage_of_one_control_leaves_everything_else_as_it_was(
    tmp_path: Path, pictures: Path
) -> None:
    sizes = "steps = 4, batch = 4, patch = 18, learning_rate = 1e-3"
    first = f"{{ {sizes}, detailed = 0.0 }},"
    second = f"{{ {sizes}, detailed = 1.0, only = [1] }},"
    head = RECIPE[: RECIPE.index("stages")]
    (tmp_path / "first.toml").write_text(f"{head}stages = [{first}]")
    (tmp_path / "both.toml").write_text(f"{head}stages = [{first}{second}]")
    before = run(tmp_path / "first.toml", pictures, tmp_path / "first")
    after = run(tmp_path / "both.toml", pictures, tmp_path / "both")
    for name, value in after.items():
        if name.endswith("_slopes"):
            assert torch.equal(value[0], before[name][0])
            assert not before[name][1:].any()
            assert value[1:].any() == name.startswith("head")
        else:
            assert torch.equal(value, before[name])
