"""Muon: steps with even singular values, slope by slope, that learn what gradients hardly show."""

from __future__ import annotations

import pytest
import torch
from rheostat.kernels import TunableConv2d
from rheostat.muon import Muon, orthogonal
from torch import Tensor, nn


def stepped(network: nn.Module, gradients: list[Tensor]) -> None:
    optimizer = Muon(network)
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[-1]["lr"] = 0.1
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def test_orthogonal_evens_the_singular_values_and_keeps_the_directions() -> None:
    torch.manual_seed(0)
    u, v = torch.linalg.qr(torch.randn(8, 8))[0], torch.linalg.qr(torch.randn(40, 8))[0]
    strengths = torch.logspace(-1, 1, 8)
    for matrix, factors in ((u * strengths @ v.mT, u @ v.mT), (v * strengths @ u.mT, v @ u.mT)):
        found = orthogonal(matrix[None])[0]
        values = torch.linalg.svdvals(found)
        assert 0.6 < float(values.min()) <= float(values.max()) < 1.3
        assert nn.functional.cosine_similarity(found.flatten(), factors.flatten(), 0) > 0.95


def test_no_gradient_moves_nothing() -> None:
    layer = TunableConv2d(3, 4, 3, controls=2)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    stepped(layer, [torch.zeros_like(p) for p in layer.parameters()])
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())


def test_every_slope_is_a_kernel_of_its_own() -> None:
    torch.manual_seed(1)
    layer = TunableConv2d(3, 4, 3, controls=2)
    gradients = [torch.randn_like(p) for p in layer.parameters()]
    stepped(layer, gradients)
    for number in range(2):
        plain = nn.Conv2d(3, 4, 3)
        for parameter in plain.parameters():
            nn.init.zeros_(parameter)
        named = dict(zip((n for n, _ in layer.named_parameters()), gradients, strict=True))
        stepped(plain, [named["weight_slopes"][number], named["bias_slopes"][number]])
        torch.testing.assert_close(layer.weight_slopes[number], plain.weight)
        assert layer.bias_slopes is not None
        torch.testing.assert_close(layer.bias_slopes[number], plain.bias)


def test_a_single_number_is_stepped_too() -> None:
    network = nn.Module()
    network.gain = nn.Parameter(torch.tensor(1.0))
    stepped(network, [torch.tensor(3.0)])
    assert float(network.gain.detach()) == pytest.approx(1 - 0.1 * 0.2)


def test_learns_faint_directions_that_adam_is_still_looking_for() -> None:
    losses = {}
    for name in ("muon", "adam"):
        generator = torch.Generator().manual_seed(2)
        turn = torch.linalg.qr(torch.randn(16, 16, generator=generator))[0]
        x = torch.randn(256, 16, generator=generator) * torch.logspace(0, -2, 16) @ turn
        wanted = x @ torch.randn(16, 16, generator=generator)
        layer = nn.Linear(16, 16, bias=False)
        nn.init.zeros_(layer.weight)
        optimizer = Muon(layer) if name == "muon" else torch.optim.Adam(layer.parameters())
        for step in range(300):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
            loss = (layer(x) - wanted).square().mean() / wanted.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[name] = float(loss.detach())
    assert losses["muon"] < 0.5 * losses["adam"]
