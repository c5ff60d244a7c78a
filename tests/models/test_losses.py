"""Losses are 0 for equals and grow with the difference; λ is drawn as its name says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from rheostat import losses, samplers
from rheostat.adversarial import PatchDiscriminator, discriminator_loss, generator_loss
from torch import Generator, Tensor


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def swd(x: Tensor, y: Tensor) -> Tensor:
    return losses.sliced_wasserstein(x, y, seeded(1))


def variation_of_difference(x: Tensor, y: Tensor) -> Tensor:
    return losses.total_variation(x - y)


DISTANCES = (losses.l1, losses.charbonnier, losses.gram_distance, swd, variation_of_difference)
each = pytest.mark.parametrize("distance", DISTANCES)


@each
def test_a_distance_is_smallest_at_equality_and_grows_away_from_it(
    distance: Callable[[Tensor, Tensor], Tensor],
) -> None:
    x = torch.rand(2, 3, 12, 10, generator=seeded())
    step = torch.rand(2, 3, 12, 10, generator=seeded(2)) - 0.2
    values = torch.stack([distance(x, x + size * step) for size in (0.0, 0.1, 0.3, 1.0)])
    assert values.shape == (4, 2)
    assert bool((values[0] <= 1e-3).all())
    assert bool((values.diff(dim=0) > 0).all())


@each
def test_every_sample_is_judged_by_itself(distance: Callable[[Tensor, Tensor], Tensor]) -> None:
    x, y = (torch.rand(3, 4, 8, 8, generator=seeded(seed)) for seed in (0, 1))
    alone = torch.cat([distance(x[i : i + 1], y[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(distance(x, y), alone)


def test_style_distances_ignore_places_and_sizes() -> None:
    x = torch.rand(1, 4, 8, 8, generator=seeded())
    moved = x.flatten(2)[:, :, torch.randperm(64, generator=seeded(1))].reshape(1, 4, 8, 8)
    doubled = x.repeat(1, 1, 2, 1)
    for y in (moved, doubled):
        torch.testing.assert_close(losses.gram_distance(x, y), torch.zeros(1), atol=1e-9, rtol=0)
        assert float(swd(x, y)) < 1e-4
    assert float(swd(x, x + 0.5)) > 1e-2


def test_gram_matrices_have_the_gradient_that_differences_show() -> None:
    x = torch.rand(2, 3, 4, 5, generator=seeded(), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(losses.gram, x)
    assert torch.autograd.gradgradcheck(losses.gram, x)


def test_gram_matrices_can_be_trained_through_in_half_precision() -> None:
    x = torch.rand(2, 3, 4, 5, generator=seeded(), requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        losses.gram(x).square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


def test_sliced_wasserstein_of_a_shift_is_its_square_along_each_direction() -> None:
    x = torch.rand(1, 1, 16, 16, generator=seeded())
    torch.testing.assert_close(swd(x, x + 0.5), torch.tensor([0.25]), atol=1e-5, rtol=0)


def test_a_discriminator_learns_to_tell_and_its_judgement_can_be_followed() -> None:
    torch.manual_seed(0)
    judge = PatchDiscriminator(8)
    real, fake = torch.zeros(4, 3, 16, 16), torch.rand(4, 3, 16, 16, generator=seeded())
    optimizer = torch.optim.Adam(judge.parameters(), 1e-2)
    for _ in range(40):
        loss = discriminator_loss(judge(real), judge(fake))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert judge(real).shape == (4, 1, 2, 2)
    assert bool((generator_loss(judge(fake)) > generator_loss(judge(real))).all())


def test_a_loss_that_may_be_negative_is_divided_by_its_size() -> None:
    loss, one = losses.MultiLoss(("judge",)), torch.ones(2)
    for value in (-0.5, 0.2, -0.5):
        found = loss({"judge": torch.full((2,), value)}, {"judge": one})
        assert abs(float(found)) < 1.1
    assert float(loss.averages) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("size", [(1, 6), (6, 1), (1, 1)])
def test_along_a_side_of_one_pixel_nothing_varies(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=seeded())
    expected = x.diff(dim=2 if size[1] == 1 else 3).abs().sum((1, 2, 3)) / max(1, 3 * 5)
    torch.testing.assert_close(losses.total_variation(x), expected)


def test_samplers_keep_their_ranges_and_repeat_with_the_seed() -> None:
    for draw in (samplers.uniform, samplers.corners, samplers.simplex, samplers.log_uniform):
        lam = draw(4000, 3, seeded())
        assert lam.shape == (4000, 3)
        assert bool(((lam >= 0) & (lam <= 1)).all())
        assert torch.equal(lam, draw(4000, 3, seeded()))
        assert torch.unique(lam, dim=0).shape[0] > 1000  # every sample has its own


def test_each_sampler_has_its_shape() -> None:
    corner = samplers.corners(4000, 2, seeded())
    assert 0.45 < float(((corner == 0) | (corner == 1)).all(1).float().mean()) < 0.55
    simplex = samplers.simplex(4000, 3, seeded())
    torch.testing.assert_close(simplex.sum(1), torch.ones(4000))
    torch.testing.assert_close(simplex.mean(0), torch.full((3,), 1 / 3), atol=0.02, rtol=0)
    decades = samplers.log_uniform(4000, 1, seeded(), 0.01, 1.0).log10()
    assert 0.45 < float((decades < -1).float().mean()) < 0.55
    with pytest.raises(ValueError, match="0 < low < high"):
        samplers.log_uniform(1, 1, seeded(), 0.0)
