"""What every architecture that can be packed promises."""

from __future__ import annotations

import abc

from torch import Tensor, nn


class Baked(nn.Module, abc.ABC):
    """A network at one position, in two stages.

    What `trunk` gives does not depend on controls of the stage "head": while only those move, it
    need not be computed again. Moved `.to(torch.bfloat16)` it still takes and gives float32
    pictures, and computes in half the bits what it adds to them.
    """

    @abc.abstractmethod
    def trunk(self, x: Tensor) -> Tensor:
        """Features of `x` (N, 3, H, W) that the head needs."""

    @abc.abstractmethod
    def head(self, x: Tensor, features: Tensor) -> Tensor:
        """The result (N, 3, scale · H, scale · W) from `x` and its features."""

    def forward(self, x: Tensor) -> Tensor:
        """Both stages."""
        return self.head(x, self.trunk(x))


class Network(nn.Module, abc.ABC):
    """A tunable picture-to-picture network whose result at a pixel depends on near pixels only.

    scale             sides of the result for one of the picture's; result pixels scale · x to
                      scale · x + scale − 1 stand where pixel x stood
    multiple          sides and tile origins are multiples of this
    receptive_radius  pixels on each side that can influence a result; a tile with that much
                      context (or the picture's border) has exactly the whole picture's values
    last_powers       of the last control, that the last slopes of the layers it moves multiply
    """

    scale: int = 1
    multiple: int
    receptive_radius: int
    last_powers: tuple[int, ...] = (1,)

    @abc.abstractmethod
    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W) in 0..1, sRGB-encoded; result like `x`, `scale` times as large.

        lam  (N, P) or (1, P); or a value for every pixel, (N, P, H, W) or (1, P, H, W)
        """

    @abc.abstractmethod
    def bake(self, lam: Tensor) -> Baked:
        """The plain network at `lam` (P,)."""

    def __call__(self, x: Tensor, lam: Tensor) -> Tensor:
        """Run; see `forward`."""
        result: Tensor = super().__call__(x, lam)
        return result
