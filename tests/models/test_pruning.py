"""A pruned pair of layers is, at every λ, the pair with those channels masked."""

from __future__ import annotations

import pytest
import torch
from rheostat import TunableConv2d
from rheostat.kernels import ParameterMap
from rheostat.pruning import importance, prune
from torch import Tensor, nn

POSITIONS = torch.rand(5, 2, generator=torch.Generator().manual_seed(0)) * 3 - 1


def pair(
    bias: bool = True, parameter_map: ParameterMap = "linear"
) -> tuple[TunableConv2d, TunableConv2d]:
    torch.manual_seed(1)
    layers = (
        TunableConv2d(3, 8, 3, padding=1, bias=bias, controls=2, parameter_map=parameter_map),
        TunableConv2d(
            8, 4, 3, padding=1, padding_mode="reflect", controls=2, parameter_map=parameter_map
        ),
    )
    for parameter in (p for layer in layers for p in layer.parameters()):
        nn.init.normal_(parameter)
    return layers


def run(layers: tuple[TunableConv2d, TunableConv2d], x: Tensor) -> Tensor:
    first, second = layers
    y: Tensor = second(torch.relu(first(x, POSITIONS)), POSITIONS)
    return y


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("parameter_map", ["linear", "mlp"])
def test_pruned_equals_masked_at_every_position(bias: bool, parameter_map: ParameterMap) -> None:
    first, second = pair(bias, parameter_map)
    keep = torch.tensor([True, False, True, True, False, True, False, True])
    x = torch.rand(5, 3, 9, 9)
    pruned = run(prune(first, second, keep), x)
    with torch.no_grad():
        for name, value in first.state_dict().items():
            if not name.startswith("mix."):
                value.movedim(int(name.endswith("_slopes")), 0)[~keep] = 0
    torch.testing.assert_close(pruned, run((first, second), x), atol=1e-5, rtol=1e-5)


def test_importance_is_the_most_that_any_position_in_the_box_needs() -> None:
    first, _ = pair()
    low, high = torch.tensor([-1.0, 0.0]), torch.tensor([2.0, 1.0])
    bound = importance(first, low, high)
    inside = low + (high - low) * torch.rand(200, 2, generator=torch.Generator().manual_seed(2))
    weight, bias = first.kernels(torch.cat((inside, torch.stack((low, high)))))
    assert bias is not None
    norms = (weight.square().sum((2, 3, 4)) + bias.square()).sqrt()
    assert bool((norms <= bound + 1e-4).all())


def test_what_cannot_be_pruned_is_refused() -> None:
    first, second = pair()
    with pytest.raises(ValueError, match="one value per channel"):
        prune(first, second, torch.ones(3, dtype=torch.bool))
    with pytest.raises(ValueError, match="no channel would be kept"):
        prune(first, second, torch.zeros(8, dtype=torch.bool))
