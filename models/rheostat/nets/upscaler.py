"""Upscaler: a larger picture, with the detail that a smaller one lets guess."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..strategies import convert
from .network import Baked, Network
from .restorer import Head, Trunk

MAX_NOISE = 50.0  # σ in 8-bit levels


class Upscaled(Baked):
    """An upscaler baked at one slider position."""

    def __init__(self, features: Trunk, missing: Head, scale: int) -> None:
        """`missing` gives what repeated pixels lack."""
        super().__init__()
        self.features, self.missing = features, missing
        self.enlarge = nn.Upsample(scale_factor=scale)

    def trunk(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> features (N, width, H, W)."""
        z: Tensor = self.features(x)
        return z

    def head(self, x: Tensor, features: Tensor) -> Tensor:
        """(N, 3, scale · H, scale · W)."""
        enlarged = self.enlarge(x)
        y: Tensor = enlarged + self.missing(features).to(enlarged)
        return y


class Upscaler(Network):
    """Upscaler with two sliders: λ = (noise, detail). Result = repeated pixels + net(picture, λ).

    noise   σ of the noise to remove on the way, in 8-bit levels, 0–50
    detail  0 (least absolute error) to 1 (crisp); moves the last blocks only

    All layers work at the size of the small picture and the last one gives scale² pixels each
    (ESPCN, Shi et al. 2016). The kernels are affine in (√(σ / 50), detail).
    """

    multiple = 1

    def __init__(self, scale: int = 2, width: int = 64, blocks: int = 5, late: int = 1) -> None:
        """`blocks` residual blocks of `width` channels, the last `late` of them and the last
        convolution moved by detail as well. ValueError unless 0 <= late <= blocks and scale >= 2.
        """
        super().__init__()
        if not 0 <= late <= blocks:
            raise ValueError(f"late is {late}; of {blocks} blocks, 0 to {blocks} can be")
        if scale < 2:
            raise ValueError(f"scale is {scale}; at least 2 can be")
        self.scale = scale
        self.trunk = convert(Trunk(width, blocks - late, fold=1), controls=1)
        self.head = convert(Head(width, late, fold=scale), controls=2)
        self.enlarge = nn.Upsample(scale_factor=scale)
        self.receptive_radius = 2 * blocks + 2

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W), 0..1 sRGB-encoded, -> (N, 3, scale · H, scale · W)."""
        axes = self._coordinates(lam)
        missing: Tensor = self.head(self.trunk(x, axes[:, :1]), axes)
        y: Tensor = self.enlarge(x) + missing
        return y

    def bake(self, lam: Tensor) -> Upscaled:
        """The plain network at `lam` (P,)."""
        axes = self._coordinates(lam[None])[0]
        trunk, head = self.trunk.bake(axes[:1]), self.head.bake(axes)
        assert isinstance(trunk, Trunk)
        assert isinstance(head, Head)
        return Upscaled(trunk, head, self.scale)

    @staticmethod
    def _coordinates(lam: Tensor) -> Tensor:
        """(√(σ / 50), detail)."""
        return torch.cat((torch.sqrt(lam[:, :1] / MAX_NOISE), lam[:, 1:]), dim=1)
