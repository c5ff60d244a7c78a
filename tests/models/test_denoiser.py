"""The denoiser: the identity at off, no jump on the way, exact tiles, baked equals dynamic."""

from __future__ import annotations

import pytest
import rheostat
import torch
from packages import random_denoiser
from rheostat.nets import Denoiser
from torch import Tensor

POSITIONS = torch.tensor([[0.5, 0.0], [25.0, 0.3], [75.0, 1.0]])


@pytest.fixture
def network() -> Denoiser:
    return random_denoiser(width=8, blocks=2)


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def test_noise_zero_is_the_identity_bit_for_bit(network: Denoiser) -> None:
    x = picture(2, 3, 16, 12)
    assert torch.equal(network(x, torch.tensor([[0.0, 0.0], [0.0, 1.0]])), x)
    assert torch.equal(rheostat.bake(network, torch.tensor([0.0, 0.7]))(x), x)


def test_the_way_to_the_identity_is_continuous(network: Denoiser) -> None:
    x = picture(1, 3, 16, 16)
    changes = [
        float((network(x, torch.tensor([[sigma, 0.5]])) - x).abs().max())
        for sigma in (1e-6, 1e-3, 1e-1, 1.0)
    ]
    assert changes[0] < 1e-5
    assert changes == sorted(changes)


def test_baked_equals_dynamic(network: Denoiser) -> None:
    x = picture(3, 3, 16, 16)
    together = network(x, POSITIONS)
    for index, lam in enumerate(POSITIONS):
        one = slice(index, index + 1)
        torch.testing.assert_close(
            rheostat.bake(network, lam)(x[one]), together[one], atol=1e-5, rtol=0
        )
        torch.testing.assert_close(network(x[one], lam[None]), together[one], atol=1e-5, rtol=0)


def test_baking_leaves_the_tunable_network_alone(network: Denoiser) -> None:
    x, lam = picture(1, 3, 8, 8), POSITIONS[1:2]
    before = network(x, lam)
    rheostat.bake(network, torch.tensor([3.0, 0.0]))
    assert torch.equal(network(x, lam), before)


def test_pixels_beyond_the_receptive_radius_do_not_matter(network: Denoiser) -> None:
    radius = network.receptive_radius
    side = 4 * (radius // 2) + 8
    x = picture(1, 3, side, side)
    centre = side // 2
    changed = x.clone()
    changed[:, :, centre, centre] += 1
    with torch.inference_mode():
        difference = (
            (network(changed, POSITIONS[2:]) - network(x, POSITIONS[2:])).abs().amax((0, 1))
        )
    rows, columns = difference.nonzero(as_tuple=True)
    reach = int(torch.cat((rows - centre, columns - centre)).abs().max())
    assert reach <= radius
    assert reach >= radius - 3  # the promise is tight: a halo larger than needed costs time


def test_weights_cost_what_the_card_says() -> None:
    plain = rheostat.bake(Denoiser(64, 5), torch.tensor([25.0, 0.0]))
    assert sum(p.numel() for p in plain.parameters()) == pytest.approx(0.38e6, rel=0.02)
