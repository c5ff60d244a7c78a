"""LPIPS with SqueezeNet 1.1 features: a learned perceptual distance, as metric and as loss.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018),
version 0.1, "squeeze" variant. Written here because the kept libraries load it through torchvision;
checked against their documented value. The weights are not part of this project: give the folder
that holds `squeezenet1_1_torchvision.safetensors` and `lpips_v0.1_squeeze_lin.safetensors`.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from platformdirs import user_data_path
from rheostat_client.errors import RheostatError
from safetensors.torch import load_file
from torch import Tensor, nn

_BACKBONE = "squeezenet1_1_torchvision.safetensors"
_LINEAR = "lpips_v0.1_squeeze_lin.safetensors"
_SLICES = (2, 5, 8, 10, 11, 12, 13)  # feature maps compared: the output before each of these layers


def find_backbones(data: Path) -> Path:
    """Where the backbones are when nobody says: `backbones` beside `data` or a folder above it.

    If there is none, the user's data folder, whether it is there or not.
    """
    beside = (folder / "backbones" for folder in data.resolve().parents)
    of_user = user_data_path("rheostat", appauthor=False) / "backbones"
    return next((folder for folder in beside if folder.is_dir()), of_user)


class Fire(nn.Module):
    """SqueezeNet's module: squeeze 1×1, then 1×1 and 3×3 side by side (Iandola et al. 2016)."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        """channels -> 2 · expand."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 2 · expand, H, W)."""
        x = torch.relu(self.squeeze(x))
        return torch.cat((self.expand1x1(x), self.expand3x3(x)), 1).relu_()


def squeezenet(backbones: Path, pool: nn.Module | None = None, stride: int = 2) -> nn.Sequential:
    """The layers of SqueezeNet 1.1 below its classifier, with ImageNet weights, not to be trained.

    `pool` and `stride` are those of the pooling layers and of the first convolution, if others are
    wanted than the network was trained with. RheostatError `no-backbone` without the weights.
    """
    network = _layers(pool or nn.MaxPool2d(3, 2, ceil_mode=True), stride)
    prefix = "features."
    weights = _load(backbones, _BACKBONE)
    network.load_state_dict(
        {k.removeprefix(prefix): v.float() for k, v in weights.items() if k.startswith(prefix)}
    )
    return network.requires_grad_(False).eval()


def _load(backbones: Path, name: str) -> dict[str, Tensor]:
    path = backbones / name
    if not path.is_file():
        raise RheostatError(
            "no-backbone",
            f"The perceptual loss needs {name}, which is not in {backbones}.",
            "Name the folder that holds it with --backbones.",
        )
    return load_file(path)


def _layers(pool: nn.Module, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=stride), nn.ReLU(inplace=True), pool,
        Fire(64, 16, 64), Fire(128, 16, 64), pool,
        Fire(128, 32, 128), Fire(256, 32, 128), pool,
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip


class LPIPS(nn.Module):
    """Perceptual distance of pictures; 0 for equal ones, about 0.1–0.5 for visible differences."""

    def __init__(self, backbones: Path) -> None:
        """Load the weights from the folder `backbones`; RheostatError `no-backbone` without."""
        super().__init__()
        self.features = squeezenet(backbones)
        linear = _load(backbones, _LINEAR)
        self.linear = [linear[k].float().reshape(1, -1, 1, 1) for k in sorted(linear)]
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        self.register_buffer("shift", shift.view(1, 3, 1, 1))
        self.register_buffer("scale", scale.view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distance (N,) of `x` and `y`, both (N, 3, H, W) in 0..1, sides of at least 17."""
        return self.distance(self.describe(x), self.describe(y))

    def describe(self, x: Tensor) -> list[Tensor]:
        """What the distance compares: seven feature maps (N, C, h, w), each pixel's of length 1."""
        x = (x * 2 - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        maps = []
        for start, end in itertools.pairwise((0, *_SLICES)):
            x = self.features[start:end](x)
            maps.append(F.normalize(x, dim=1, eps=1e-10))
        return maps

    def distance(self, x: list[Tensor], y: list[Tensor]) -> Tensor:
        """Distance (N,) of two described batches."""
        terms = [
            ((a - b) ** 2 * weight.to(a)).sum(1).mean((1, 2))
            for a, b, weight in zip(x, y, self.linear, strict=True)
        ]
        return torch.stack(terms).sum(0)
