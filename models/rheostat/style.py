"""Style loss: how far a picture is from a photograph's content and from paintings' manner.

Gatys et al., "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016), on SqueezeNet
1.1 features: first convolution with stride 1 (stride 2 leaves a grid of 2 pixels in the result) and
average pooling. Every layer's term is relative to the painting's own statistics, so that layers and
paintings count alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from rheostat_client.errors import RheostatError
from torch import Tensor, nn

from .data import read_rgb, to_float
from .losses import gram
from .perception import squeezenet

STYLE_LAYERS = (1, 3, 4, 6, 7)  # of the backbone, fine to coarse
CONTENT_LAYER = 7
STYLE_WEIGHT = 40.0  # of the style term against the content term, at full strength
PAINTING_SIDE = 384  # pixels of a painting's short side


@dataclass(frozen=True)
class StyleLosses:
    """content (N,): relative squared distance of the deepest features to the photograph's.

    style (N, paintings, layers): squared distance of the Gram matrices over the painting's squared.
    """

    content: Tensor
    style: Tensor


class StyleLoss(nn.Module):
    """Content and style distances to a fixed choice of paintings."""

    def __init__(self, backbones: Path, paintings: Sequence[Path]) -> None:
        """Weights from the folder `backbones`, and pictures of the paintings.

        RheostatError `no-backbone`, or `no-painting` if a picture is not there.
        """
        super().__init__()
        network = squeezenet(backbones, nn.AvgPool2d(3, 2, ceil_mode=True), stride=1)
        self.layers = nn.ModuleList(list(network)[: STYLE_LAYERS[-1] + 1])
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))
        found = [self._grams(self.describe(read_painting(path))) for path in paintings]
        for number, grams in enumerate(zip(*found, strict=True)):
            self.register_buffer(f"grams{number}", torch.cat(grams))

    def describe(self, x: Tensor) -> list[Tensor]:
        """Features of `x` (N, 3, H, W) in 0..1, of the style layers in order."""
        z = (x - self.get_buffer("mean")) / self.get_buffer("std")
        z = z.contiguous(memory_format=torch.channels_last)
        maps = []
        for number in range(len(self.layers)):
            z = self.layers[number](z)
            if number in STYLE_LAYERS:
                maps.append(z)
        return maps

    def content(self, x: Tensor) -> Tensor:
        """What of a photograph is compared."""
        return self.describe(x)[STYLE_LAYERS.index(CONTENT_LAYER)]

    def forward(self, result: Tensor, content: Tensor) -> StyleLosses:
        """Of `result` (N, 3, H, W), against `content` of its photographs."""
        maps = self.describe(result)
        deep = maps[STYLE_LAYERS.index(CONTENT_LAYER)].float()
        content = content.float()
        distance = (deep - content).square().mean((1, 2, 3)) / content.square().mean((1, 2, 3))
        terms = []
        for number, own in enumerate(self._grams(maps)):
            wanted = self.get_buffer(f"grams{number}")
            difference = (own[:, None] - wanted[None]).square().sum((2, 3))
            terms.append(difference / wanted.square().sum((1, 2)))
        return StyleLosses(distance, torch.stack(terms, dim=2))

    @staticmethod
    def _grams(maps: Sequence[Tensor]) -> list[Tensor]:
        # Means over the pixels only: a painting and a picture differ in size, not in layers.
        return [gram(features).float() * features.shape[1] for features in maps]


def read_painting(path: Path) -> Tensor:
    """A painting (1, 3, H, W) in 0..1 at the size whose statistics count; see StyleLoss."""
    if not path.is_file():
        raise RheostatError(
            "no-painting",
            f"The style loss needs the painting {path.name}, which is not in {path.parent}.",
            "Put the folder `styles` beside the folder of backbones.",
        )
    picture = to_float(read_rgb(path))[None]
    scale = PAINTING_SIDE / min(picture.shape[2:])
    size = [round(side * scale) for side in picture.shape[2:]]
    return F.interpolate(picture, size, mode="bicubic", antialias=True).clamp(0, 1)
