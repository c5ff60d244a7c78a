"""The stylizer: only shares count, baked and painted equal dynamic, strips equal the whole."""

from __future__ import annotations

import pytest
import torch
from rheostat.nets import Stylizer
from rheostat.streaming import Stages
from torch import Tensor, nn

POSITIONS = torch.tensor(
    [[1.0, 0.0, 0.5, 1.0], [0.2, 0.6, 0.0, 0.3], [0.0, 1.0, 1.0, 1.0], [0.1, 0.1, 0.5, 0.1]]
)


@pytest.fixture
def network() -> Stylizer:
    torch.manual_seed(0)
    made = Stylizer(paintings=2, width=8, early=(1, 3), late=(2,))
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.08)
    return made.eval().requires_grad_(False)


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("lam", [[1.0, 1.0, 0.5, 0.0], [0.0, 0.0, 0.5, 1.0]])
def test_without_strength_or_paintings_the_photograph_stays(
    network: Stylizer, lam: list[float]
) -> None:
    x = picture(1, 3, 24, 32)
    assert torch.equal(network(x, torch.tensor([lam])), x)
    assert torch.equal(network.bake(torch.tensor(lam))(x), x)


def test_only_the_shares_of_the_paintings_count(network: Stylizer) -> None:
    x = picture(1, 3, 24, 32)
    half, whole = torch.tensor([[0.2, 0.3, 0.4, 1.0], [0.4, 0.6, 0.4, 1.0]])
    torch.testing.assert_close(network(x, half[None]), network(x, whole[None]))


def test_baked_and_painted_equal_dynamic(network: Stylizer) -> None:
    x = picture(len(POSITIONS), 3, 24, 32)
    together = network(x, POSITIONS)
    painted = network(x, POSITIONS[:, :, None, None].expand(-1, -1, 24, 32))
    torch.testing.assert_close(painted, together, atol=1e-5, rtol=1e-4)
    for index, lam in enumerate(POSITIONS):
        one = slice(index, index + 1)
        torch.testing.assert_close(network.bake(lam)(x[one]), together[one], atol=1e-5, rtol=1e-4)


def test_pixels_beyond_the_receptive_radius_do_not_matter(network: Stylizer) -> None:
    radius = network.receptive_radius
    side = -(-(radius + 9) // 4) * 4
    x = picture(1, 3, 4, 2 * side)
    reaches = []
    for changed in range(side, side + 4):  # every phase of the grid of four
        other = x.clone()
        other[..., changed] += 1.0
        difference = (network(x, POSITIONS[1:2]) - network(other, POSITIONS[1:2])).abs()
        touched = difference.amax((0, 1, 2)).nonzero()
        reaches.append(int((touched - changed).abs().max()))
    assert max(reaches) == radius


def test_strips_equal_the_whole(network: Stylizer) -> None:
    x = picture(1, 3, 64, 24)
    baked = network.bake(POSITIONS[1])
    trunk, head = Stages(baked).start(64)
    parts = []
    for rows in torch.tensor_split(x, [4, 20, 44], dim=2):
        result = head.push(rows, trunk.push(rows))
        if result is not None:
            parts.append(result.clone())
    torch.testing.assert_close(torch.cat(parts, dim=2), baked(x), atol=1e-5, rtol=0)


def test_sizes_must_make_sense() -> None:
    with pytest.raises(ValueError, match="paintings is 0"):
        Stylizer(paintings=0)
    with pytest.raises(ValueError, match="width 6"):
        Stylizer(width=6)
