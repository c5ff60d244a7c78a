"""Conditional normalisation by loss weights.

Babaeizadeh & Ghiasi, "Adjustable Real-time Style Transfer" (ICLR 2020):

z = γ(λ) ⊙ (f − μ)/σ + β(λ), with γ and β from an MLP over the loss weights λ. The published form
takes μ and σ from the picture, so that a tile would differ from the whole. Here the *expected*
statistics are used, as StyleGAN 2 does (Karras et al., CVPR 2020): for inputs of unit variance the
result of a kernel k has the standard deviation ‖k‖ per output channel, so k/‖k‖ is normalised
whatever the picture is. Scale and shift at λ = 0 start as ‖k‖ and the bias: the network as it was.

Joint training; folds into the convolution; takes maps; tiles are exact.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..tunable import TunableLayer, at_size
from .modulation import PerceptronPredictor, convolution
from .strategy import Strategy

HIDDEN = 64


class ConditionalNorm(TunableLayer):
    """γ(λ) ⊙ (x ⊛ k/‖k‖) + β(λ); at first γ is ‖k‖ and β the bias."""

    def __init__(self, conv: nn.Conv2d, controls: int) -> None:
        """`conv` gives the direction of its kernels, and their first length."""
        super().__init__()
        self.conv, self.controls = conv, controls
        self.gamma = nn.Parameter(self._norm().detach().clone())
        self.predictor = PerceptronPredictor(controls, conv.out_channels, HIDDEN)

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map (N, P, H, W)."""
        lam = self.position(x, lam)
        direction = self.conv.weight / self._norm()[:, None, None, None]
        y: Tensor = self.conv._conv_forward(x, direction, None)
        lam = at_size(lam, y) if lam.ndim == 4 else lam[..., None, None]
        gamma, beta = (t.movedim(-1, 1) for t in self._affine(lam.movedim(1, -1)))
        z: Tensor = gamma * y + beta
        return z

    def bake(self, lam: Tensor) -> nn.Module:
        """The convolution with γ and β folded in."""
        with torch.no_grad():
            gamma, beta = self._affine(lam)
            weight = self.conv.weight * (gamma / self._norm())[:, None, None, None]
        plain = copy.deepcopy(self.conv)
        plain.weight = nn.Parameter(weight, requires_grad=False)
        plain.bias = nn.Parameter(beta, requires_grad=False)
        return plain

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """γ₀ and the predictor's."""
        yield self.gamma
        yield from self.predictor.parameters()

    def _affine(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        gain, shift = self.predictor(lam)
        if self.conv.bias is not None:
            shift = shift + self.conv.bias
        return self.gamma * (1 + gain), shift

    def _norm(self) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(self.conv.weight, dim=(1, 2, 3))
        return norm.clamp_min(1e-12)


def wrap(module: nn.Module, controls: int) -> ConditionalNorm:
    """`module` (nn.Conv2d) with conditional normalisation after it."""
    return ConditionalNorm(convolution(module), controls)


CONDITIONAL_NORM = Strategy(
    name="conditional-norm",
    source="Babaeizadeh & Ghiasi, Adjustable Real-time Style Transfer, ICLR 2020",
    wrap=wrap,
    site="convolutions",
    training="joint",
    exact_base=False,
    folds=True,
    maps=True,
    limits="Normalised by expected statistics: by the picture's own, tiles would show.",
)
