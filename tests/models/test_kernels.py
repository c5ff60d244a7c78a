"""Tunable layers other than nn.Conv2d's, the second parameter map, and networks of strangers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheostat
import torch
from monai.networks.nets.highresnet import HighResNet
from monai.networks.nets.resnet import resnet18
from monai.networks.nets.unet import UNet
from rheostat.kernels import TunableKernel, make_tunable
from torch import Tensor, nn

LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), (4, 7, 9)),
    "transposed groups": (nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2, bias=False), (4, 7, 9)),
    "depthwise": (nn.Conv2d(4, 8, 3, groups=4), (4, 7, 9)),
    "linear": (nn.Linear(5, 3), (5,)),
    "linear on tokens": (nn.Linear(5, 3, bias=False), (2, 7, 5)),
}
layers = pytest.mark.parametrize("name", LAYERS)
maps = pytest.mark.parametrize("parameter_map", ["linear", "mlp"])


def tuned(name: str, parameter_map: Any) -> tuple[TunableKernel, Tensor, Tensor]:
    torch.manual_seed(0)
    plain, shape = LAYERS[name]
    layer = make_tunable(plain, 2, parameter_map)
    with torch.no_grad():
        for parameter in layer.added_parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer, torch.rand(3, *shape), torch.rand(3, 2)


@layers
@maps
def test_a_batch_equals_one_at_a_time_equals_baked(name: str, parameter_map: str) -> None:
    layer, x, lam = tuned(name, parameter_map)
    together = layer(x, lam)
    for i in range(3):
        one = slice(i, i + 1)
        torch.testing.assert_close(together[one], layer(x[one], lam[one]), atol=1e-5, rtol=1e-5)
        baked = layer.bake(lam[i])
        assert type(baked) is type(LAYERS[name][0])
        torch.testing.assert_close(together[one], baked(x[one]), atol=1e-5, rtol=1e-5)


@layers
@maps
def test_kernels_are_affine_in_lambda(name: str, parameter_map: str) -> None:
    layer, _, lam = tuned(name, parameter_map)
    middle = layer.kernels(lam[:1] / 2 + lam[1:2] / 2)[0]
    ends = layer.kernels(lam[:2])[0]
    torch.testing.assert_close(middle[0], ends.mean(0), atol=1e-6, rtol=1e-5)


@layers
@maps
def test_a_fresh_layer_is_the_plain_one(name: str, parameter_map: Any) -> None:
    plain, shape = LAYERS[name]
    x = torch.rand(2, *shape)
    fresh = make_tunable(plain, 3, parameter_map)
    torch.testing.assert_close(fresh(x, torch.rand(2, 3)), plain(x))


def test_scale_and_shift_follow_lambda_and_bake() -> None:
    layer = rheostat.TunableScale(4, controls=2)
    x, lam = torch.rand(2, 4, 5, 6), torch.rand(2, 2)
    torch.testing.assert_close(layer(x, lam), x)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.rand_like(parameter))
    painted = lam[..., None, None].expand(-1, -1, 5, 6)
    torch.testing.assert_close(layer(x, painted), layer(x, lam))
    for i in range(2):
        torch.testing.assert_close(layer.bake(lam[i])(x[i : i + 1]), layer(x, lam)[i : i + 1])


def test_what_has_no_tunable_form_is_said() -> None:
    with pytest.raises(TypeError, match="Conv1d has no tunable form"):
        make_tunable(nn.Conv1d(1, 1, 1), 1)
    with pytest.raises(ValueError, match="takes no map"):
        tuned("linear", "linear")[0](torch.rand(1, 5), torch.rand(1, 2, 4, 4))


def test_a_layer_whose_weight_is_made_of_others_is_refused() -> None:
    layer = nn.utils.spectral_norm(nn.Conv2d(1, 1, 1))
    with pytest.raises(TypeError, match="weight_orig"):
        make_tunable(layer, 1)


STRANGERS: dict[str, Callable[[], nn.Module]] = {
    "dilated residual network": lambda: HighResNet(spatial_dims=2, in_channels=3, out_channels=3),
    "ResNet 18": lambda: resnet18(spatial_dims=2, n_input_channels=3, num_classes=4),
    "U-Net with transposed convolutions": lambda: UNet(
        spatial_dims=2, in_channels=3, out_channels=3, channels=(8, 16), strides=(2,)
    ),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_networks_convert_train_a_step_and_bake(stranger: str) -> None:
    torch.manual_seed(0)
    network = STRANGERS[stranger]()
    x, lam = torch.rand(2, 3, 32, 32), torch.tensor([[0.2, 1.0], [0.7, 0.1]])

    tunable = rheostat.convert(network, controls=2)
    optimizer = torch.optim.Adam(tunable.parameters(), 1e-3)
    loss = tunable(x, lam).square().mean()
    loss.backward()
    optimizer.step()

    tunable.eval()
    assert tunable(x, lam).square().mean() != loss
    assert not torch.equal(tunable(x, lam), tunable(x, 1 - lam))
    for i in range(2):
        baked = rheostat.bake(tunable, lam[i])
        assert [type(m) for m in baked.modules()] == [type(m) for m in network.modules()]
        expected = tunable(x, lam)[i : i + 1]
        torch.testing.assert_close(baked(x[i : i + 1]), expected, atol=1e-4, rtol=1e-4)
