"""The upscaler: pixels stand where they stood, baked equals dynamic, strips equal the whole."""

from __future__ import annotations

import pytest
import torch
from rheostat.nets import Upscaler
from rheostat.streaming import Stages
from torch import Tensor, nn


@pytest.fixture(params=[2, 3, 4])
def network(request: pytest.FixtureRequest) -> Upscaler:
    torch.manual_seed(0)
    made = Upscaler(request.param, width=8, blocks=2)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made.eval().requires_grad_(False)


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


POSITIONS = torch.tensor([[0.0, 0.0], [10.0, 0.3], [50.0, 1.0]])


def test_an_untrained_correction_leaves_each_pixel_repeated_in_its_place(network: Upscaler) -> None:
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    x, s = picture(1, 3, 5, 7), network.scale
    expected = x.repeat_interleave(s, dim=2).repeat_interleave(s, dim=3)
    assert torch.equal(network(x, POSITIONS[:1]), expected)


def test_baked_and_painted_equal_dynamic(network: Upscaler) -> None:
    x = picture(3, 3, 9, 14)
    together = network(x, POSITIONS)
    painted = network(x, POSITIONS[:, :, None, None].expand(-1, -1, 9, 14))
    torch.testing.assert_close(painted, together, atol=1e-4, rtol=1e-4)
    for index, lam in enumerate(POSITIONS):
        one = slice(index, index + 1)
        torch.testing.assert_close(network.bake(lam)(x[one]), together[one], atol=1e-4, rtol=1e-4)


def test_pixels_beyond_the_receptive_radius_do_not_matter(network: Upscaler) -> None:
    radius, s = network.receptive_radius, network.scale
    x = picture(1, 3, 4, 2 * radius + 9)
    changed = x.clone()
    changed[..., 0] += 1.0
    difference = (network(x, POSITIONS[1:2]) - network(changed, POSITIONS[1:2])).abs()
    assert float(difference[..., s * (radius + 1) :].max()) == 0
    assert float(difference[..., : s * radius].amin((0, 1, 2))[: s * 3].max()) > 0


def test_strips_equal_the_whole(network: Upscaler) -> None:
    x = picture(1, 3, 23, 11)
    baked = network.bake(POSITIONS[2])
    trunk, head = Stages(baked).start(23)
    parts = []
    for rows in torch.tensor_split(x, [1, 5, 14], dim=2):
        result = head.push(rows, trunk.push(rows))
        if result is not None:
            parts.append(result.clone())
    torch.testing.assert_close(torch.cat(parts, dim=2), baked(x), atol=1e-5, rtol=0)


def test_scale_and_late_blocks_must_make_sense() -> None:
    with pytest.raises(ValueError, match="scale is 1"):
        Upscaler(scale=1)
    with pytest.raises(ValueError, match="late is 3"):
        Upscaler(blocks=2, late=3)
