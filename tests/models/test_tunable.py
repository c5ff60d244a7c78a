"""Tunable convolutions: plain at the corners, affine in between, baked without a difference."""

from __future__ import annotations

from typing import Any

import pytest
import rheostat
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheostat import TunableConv2d
from torch import Tensor, nn

CONVOLUTIONS: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 1, "bias": False},
    {"kernel_size": (3, 5), "stride": (2, 1), "padding": (1, 2)},
    {"kernel_size": 3, "padding": "same", "dilation": 2, "groups": 2},
    {"kernel_size": 3, "padding": 1, "padding_mode": "reflect", "groups": 4},
    {"kernel_size": 3, "padding": (2, 1), "padding_mode": "replicate", "stride": 2},
    {"kernel_size": 3, "padding": 1, "padding_mode": "circular", "dtype": torch.float64},
]


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return module


def layer(arguments: dict[str, Any], controls: int = 2) -> TunableConv2d:
    conv = TunableConv2d(4, 8, **arguments, controls=controls)
    randomise(conv)
    return conv


def picture(count: int, conv: nn.Module) -> Tensor:
    dtype = next(conv.parameters()).dtype
    return torch.randn(count, 4, 11, 9, generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("arguments", CONVOLUTIONS)
def test_one_hot_lambda_is_the_plain_convolution(arguments: dict[str, Any]) -> None:
    conv = layer(arguments, controls=3)
    x = picture(3, conv)
    together = conv(x, torch.eye(3).to(x))
    for index in range(3):
        plain = nn.Conv2d(4, 8, **arguments)
        with torch.no_grad():
            plain.weight.copy_(conv.weight + conv.weight_slopes[index])
            if plain.bias is not None and conv.bias is not None and conv.bias_slopes is not None:
                plain.bias.copy_(conv.bias + conv.bias_slopes[index])
        one = slice(index, index + 1)
        torch.testing.assert_close(together[one], plain(x[one]), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("arguments", CONVOLUTIONS)
def test_a_batch_of_lambdas_equals_one_at_a_time_equals_baked(arguments: dict[str, Any]) -> None:
    conv = layer(arguments)
    x = picture(3, conv)
    lam = torch.tensor([[0.0, 1.0], [0.3, -0.5], [2.0, 0.7]]).to(x)
    together = conv(x, lam)
    for index in range(3):
        one = slice(index, index + 1)
        torch.testing.assert_close(together[one], conv(x[one], lam[one]), atol=1e-5, rtol=1e-5)
        baked = rheostat.bake(conv, lam[index])
        assert type(baked) is nn.Conv2d
        torch.testing.assert_close(together[one], baked(x[one]), atol=1e-5, rtol=1e-5)


@given(st.floats(-2, 2), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_kernels_are_affine(start: float, share: float) -> None:
    conv = layer({"kernel_size": 3})
    p, q = torch.tensor([[start, 1.0]]), torch.tensor([[0.5, -start]])
    mixed = share * conv.kernels(p)[0] + (1 - share) * conv.kernels(q)[0]
    torch.testing.assert_close(
        conv.kernels(share * p + (1 - share) * q)[0], mixed, atol=1e-5, rtol=1e-5
    )


def test_a_fresh_layer_ignores_lambda_and_loads_plain_weights() -> None:
    plain = nn.Conv2d(4, 8, 3)
    fresh = TunableConv2d(4, 8, 3, controls=2)
    fresh.load_state_dict(plain.state_dict(), strict=False)
    x = picture(2, plain)
    torch.testing.assert_close(fresh(x, torch.randn(2, 2)), plain(x))


def test_every_slope_receives_a_gradient() -> None:
    conv = layer({"kernel_size": 3})
    conv(picture(2, conv), torch.tensor([[0.5, 0.1], [0.2, 0.9]])).sum().backward()
    for name, parameter in conv.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0).any(dim=-1).all()), name


@pytest.mark.parametrize("shape", [(2,), (3, 3), (4, 2)])
def test_a_wrong_lambda_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    conv = layer({"kernel_size": 3})
    with pytest.raises(ValueError, match=r"\(3, 2\) or \(1, 2\) is needed"):
        conv(picture(3, conv), torch.zeros(shape))


def test_a_layer_needs_a_control_and_a_lambda() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TunableConv2d(1, 1, 1, controls=0)
    with pytest.raises(ValueError, match="λ is missing"):
        TunableConv2d(4, 8, 3, controls=1)(torch.zeros(1, 4, 5, 5))


class UNet(nn.Module):
    """Somebody's network: nested modules, a skip, its own forward."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        self.up = nn.ModuleDict(
            {"conv": nn.Conv2d(8, 12, 3, padding=1), "shape": nn.PixelShuffle(2)}
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.up["shape"](self.up["conv"](self.down(x)))
        return x + y


def test_convert_leaves_the_network_as_it_was() -> None:
    network = UNet()
    tunable = rheostat.convert(network, controls=2)
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(tunable(x, torch.rand(2, 2)), network(x))
    randomise(tunable)
    assert all(type(m) is not TunableConv2d for m in network.modules())


def test_a_converted_network_bakes_to_its_own_kind() -> None:
    tunable = rheostat.convert(UNet(), controls=2)
    randomise(tunable)
    x, lam = torch.rand(3, 3, 8, 8), torch.rand(3, 2)
    dynamic = tunable(x, lam)
    for index in range(3):
        plain = rheostat.bake(tunable, lam[index])
        assert isinstance(plain, UNet)
        assert all(type(m) is not TunableConv2d for m in plain.modules())
        one = slice(index, index + 1)
        torch.testing.assert_close(plain(x[one]), dynamic[one], atol=1e-5, rtol=1e-5)


def test_a_layer_alone_is_baked_at_a_position_of_any_dtype() -> None:
    single = layer({"kernel_size": 1})
    lam = torch.full((single.controls,), 0.5)
    wanted, found = (rheostat.bake(single, each).state_dict() for each in (lam, lam.double()))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_convert_and_bake_say_what_they_cannot_do() -> None:
    with pytest.raises(ValueError, match="nothing that tunable-conv"):
        rheostat.convert(nn.ReLU(), controls=1)
    with pytest.raises(TypeError, match="not tunable"):
        rheostat.bake(nn.ReLU(), torch.zeros(1))
    with pytest.raises(ValueError, match="one position"):
        rheostat.bake(layer({"kernel_size": 1}), torch.zeros(1, 2))


def test_lambda_does_not_outlive_the_pass() -> None:
    tunable = rheostat.convert(UNet(), controls=1)
    with pytest.raises(RuntimeError):
        tunable(torch.rand(1, 5, 8, 8), torch.zeros(1, 1))
    assert all(m.lam is None for m in tunable.modules() if isinstance(m, TunableConv2d))
