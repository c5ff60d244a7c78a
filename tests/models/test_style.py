"""Style loss and task: zero at the paintings themselves, weighed as the sliders say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from packages import BACKBONES, REPOSITORY, needs_data
from rheostat.data import read_rgb, to_float
from rheostat.nets import Stylizer
from rheostat.recipe import read_recipe
from rheostat.scores import Scores
from rheostat.style import STYLE_LAYERS, STYLE_WEIGHT, StyleLoss, read_painting
from rheostat.tasks.style import (
    BORDER,
    FLOOR,
    KEEP,
    PAINTINGS,
    StyleTask,
    layer_weights,
    measured,
    position,
)
from rheostat.tasks.task import Batch
from rheostat_client.errors import RheostatError
from torch import Tensor

STYLES = BACKBONES.parent / "styles"


@pytest.fixture(scope="module")
def task() -> StyleTask:
    return StyleTask(BACKBONES)


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    return to_float(read_rgb(REPOSITORY / "docs" / "images" / "astronaut.png"))[None, :, :384, :384]


@needs_data
def test_a_photograph_has_its_own_content_and_a_painting_its_own_style(
    task: StyleTask, photograph: Tensor
) -> None:
    found = task.losses(photograph, task.losses.content(photograph))
    assert float(found.content) == 0
    assert found.style.shape == (1, len(PAINTINGS), len(STYLE_LAYERS))
    assert float(found.style.min()) > 0.05
    for number, name in enumerate(PAINTINGS.values()):
        painting = read_painting(STYLES / name)
        style = task.losses(painting, task.losses.content(painting)).style[0]
        assert float(style[number].max()) < 1e-8
        assert float(style.sum(1).argmin()) == number


@needs_data
def test_samples_are_rescaled_photographs_and_sliders_in_range(
    task: StyleTask, photograph: Tensor
) -> None:
    clean = photograph.expand(64, -1, -1, -1)
    batch = task.draw(clean, 0.5, torch.Generator().manual_seed(0))
    side = 384 - 2 * task.margin
    assert batch.input.shape == (64, 3, side, side)
    assert torch.equal(batch.input, batch.target)
    assert batch.lam.shape == (64, len(task.controls))
    assert float(batch.lam.min()) >= 0
    assert float(batch.lam.max()) <= 1
    weights, stroke, strength = batch.lam[:, :-2], batch.lam[:, -2], batch.lam[:, -1]
    torch.testing.assert_close(weights.sum(1), torch.ones(64))
    for plain in (weights.max(1).values == 1, stroke == 0.5, strength == 1):
        assert 0.5 < float(plain.float().mean()) < 0.9
    plain = task.draw(clean, 0.0, torch.Generator().manual_seed(0)).lam
    assert len(torch.unique(plain, dim=0)) == len(PAINTINGS)
    generator = torch.Generator().manual_seed(0)
    alone = torch.cat([task.draw(clean[:1], 0.0, generator).lam for _ in range(20)])
    assert len(torch.unique(alone, dim=0)) == len(PAINTINGS)


@needs_data
def test_the_loss_is_what_the_sliders_weigh(task: StyleTask, photograph: Tensor) -> None:
    side, hidden = 100, round(100 * BORDER)
    x = photograph[:, :, :side, :side]
    y = (x + 0.1).clamp(0, 1)
    window = (..., slice(5, 5 + side - hidden), slice(hidden, None))
    found = task.losses(y[window], task.losses.content(x[window]))

    def loss(**sliders: float) -> float:
        lam = torch.tensor([position(sliders)])
        return float(task.loss(y, Batch(x, x, lam, (5, hidden))))

    content = found.content[0]
    full = (content + STYLE_WEIGHT * found.style[0, 0].sum() + FLOOR).log() + KEEP * content
    assert loss(starry=1.0) == pytest.approx(float(full), rel=1e-4)
    assert loss(starry=0.4, wave=0.4) == pytest.approx(loss(starry=1.0, wave=1.0), rel=1e-4)
    assert loss(starry=1.0, strength=0.0) == pytest.approx(
        float((content + FLOOR).log() + KEEP * content)
    )


def test_stroke_moves_weight_from_fine_to_coarse_layers() -> None:
    fine, middle, coarse = layer_weights(torch.tensor([[0.0], [0.5], [1.0]]))
    torch.testing.assert_close(middle, torch.ones(len(STYLE_LAYERS)))
    torch.testing.assert_close(fine, coarse.flip(0))
    assert bool((fine[:2] > 1).all())
    assert bool((coarse[-2:] > 1).all())
    torch.testing.assert_close(coarse.mean(), torch.tensor(1.0))


@needs_data
def test_every_slider_is_measured(task: StyleTask, photograph: Tensor) -> None:
    torch.manual_seed(0)
    network = Stylizer(len(PAINTINGS), width=8, early=(1,), late=(1,))
    scores = Scores()
    scores.pictures = 1
    with torch.inference_mode():
        task.measure(lambda x, lam: network(x, torch.tensor([lam])), photograph, 0, (), scores)
    sweeps = scores.means()
    assert set(sweeps) == set(task.captions)
    assert sweeps["strength"]["content"][0] == sweeps["blend"]["content"][0] == 0
    for name in ("content", "style", "total"):
        assert sweeps["strength"][name][-1] == sweeps["blend"][name][-1]
    mean = sum(sweeps["paintings"]["total"]) / len(PAINTINGS)
    assert sweeps["strength"]["total"][-1] == pytest.approx(mean, rel=1e-3)


def test_pictures_are_measured_at_one_size() -> None:
    assert measured(torch.rand(1, 3, 500, 700)).shape == (1, 3, 256, 360)


@needs_data
def test_a_missing_painting_is_named(tmp_path: Path) -> None:
    with pytest.raises(RheostatError, match=r"the painting scream\.jpg"):
        StyleLoss(BACKBONES, [tmp_path / "scream.jpg"])


def test_the_recipe_names_as_many_paintings_as_there_are() -> None:
    recipe = read_recipe(REPOSITORY / "models" / "zoo" / "style" / "recipe.toml")
    assert recipe.config["paintings"] == len(PAINTINGS)
