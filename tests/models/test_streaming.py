"""Streaming: strips of any height give what one pass gives, and each row is computed once."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import random_denoiser
from rheostat.streaming import NotStreamableError, Stages, Strips
from torch import Tensor, nn


class Mixed(nn.Module):
    """Wide and dilated kernels, a long and a short way that meet, another resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 5, padding=2)
        self.dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
        self.near = nn.Conv2d(4, 4, 3, padding=1)
        self.gate = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(16, 16, 1), nn.GELU())
        self.back = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.wide(x - 0.5))
        long: Tensor = self.back(self.gate(self.near(self.dilated(z))))
        return z * 0.5 + long * torch.sigmoid(z)


def in_strips(strips: Strips, x: Tensor, heights: list[int]) -> Tensor:
    run, row, found = strips.start(x.shape[2]), 0, []
    for step in itertools.cycle(heights):
        found.append(run.push(x[:, :, row : row + step]))
        row += step
        if row >= x.shape[2]:
            break
    return torch.cat([rows for rows in found if rows is not None], dim=2)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 40).map(lambda half: 2 * half),
    heights=st.lists(st.integers(1, 24), min_size=1, max_size=3),
)
def test_strips_equal_the_whole(height: int, heights: list[int]) -> None:
    torch.manual_seed(0)
    network = Mixed().eval()
    x = torch.rand(1, 3, height, 14, generator=torch.Generator().manual_seed(height))
    with torch.no_grad():
        found = in_strips(Strips(network), x, heights)
        torch.testing.assert_close(found, network(x), atol=1e-5, rtol=1e-5)


class Unchanged(nn.Module):
    """A change of type that is none, and waits for what is computed later."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.first(x))
        same = z.to(torch.float32)
        later: Tensor = self.second(z)
        return same + later


def test_what_was_not_changed_is_not_written_over() -> None:
    torch.manual_seed(0)
    network, x = Unchanged().eval(), torch.rand(1, 3, 40, 14)
    with torch.no_grad():
        torch.testing.assert_close(in_strips(Strips(network), x, [8, 4]), network(x))


def test_both_stages_of_a_baked_network() -> None:
    baked = random_denoiser(width=8, blocks=2).bake(torch.tensor([20.0, 0.4]))
    x = torch.rand(1, 3, 64, 20)
    trunk, head = Stages(baked).start(64)
    rows = []
    with torch.no_grad():
        for y in range(0, 64, 10):
            strip = x[:, :, y : y + 10]
            rows.append(head.push(strip, trunk.push(strip)))
        found = torch.cat([r for r in rows if r is not None], dim=2)
        torch.testing.assert_close(found, baked(x), atol=1e-5, rtol=1e-5)


def test_weights_are_used_not_copied() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1)
    network: nn.Module = nn.Sequential(layer)
    strips, x = Strips(network), torch.rand(1, 1, 6, 6)
    with torch.no_grad():
        layer.weight.mul_(2)
        found = strips.start(6).push(x)
        assert found is not None
        torch.testing.assert_close(found, network(x))


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.mean() > 0 else -x


@pytest.mark.parametrize(
    "network",
    [
        nn.Conv2d(3, 3, 3, padding=1, stride=2),
        nn.Conv2d(3, 3, 3),
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        nn.InstanceNorm2d(3),
        nn.Upsample(scale_factor=2, mode="bilinear"),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_sees_more_than_its_rows_is_refused(network: nn.Module) -> None:
    with pytest.raises(NotStreamableError):
        Strips(nn.Sequential(network))


def test_what_depends_on_the_values_is_refused() -> None:
    with pytest.raises(NotStreamableError):
        Strips(Branching())
