"""What every architecture that can be packed promises."""

from __future__ import annotations

import abc

from torch import Tensor, nn


class Network(nn.Module, abc.ABC):
    """A tunable picture-to-picture network whose result at a pixel depends on near pixels only.

    multiple          sides and tile origins are multiples of this
    receptive_radius  pixels on each side that can influence a result; a tile with that much
                      context (or the picture's border) has exactly the whole picture's values
    """

    multiple: int
    receptive_radius: int

    @abc.abstractmethod
    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W) in 0..1, sRGB-encoded; `lam` (N, P) or (1, P); result like `x`."""

    @abc.abstractmethod
    def bake(self, lam: Tensor) -> nn.Module:
        """The plain network at `lam` (P,)."""

    def __call__(self, x: Tensor, lam: Tensor) -> Tensor:
        """Run; see `forward`."""
        result: Tensor = super().__call__(x, lam)
        return result
