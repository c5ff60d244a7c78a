"""FiLM with loss-conditional training: Dosovitskiy & Djolonga, "You Only Train Once" (ICLR 2020).

y = (1 + 0.1 MLP(log λ)) ⊙ f + 0.1 MLP(log λ) after every convolution, the published β-VAE settings
(FiLM: Perez et al., AAAI 2018). A loss weight spans decades, so the network sees its logarithm; a
slider that starts at 0 has none there. λ therefore enters as log(1 + λ/ε) / log(1 + 1/ε) with
ε = 0.01: 0 at 0, 1 at 1, and the logarithm in between.

Joint training; folds into the convolution; takes maps. λ = 0 is no special place: the MLP's biases
act there too.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .modulation import Modulated, PerceptronPredictor, convolution
from .strategy import Strategy

EPSILON = 0.01
HIDDEN = 64


class FilmPredictor(PerceptronPredictor):
    """0.1 · MLP(log λ)."""

    def __init__(self, controls: int, channels: int) -> None:
        """One hidden layer of 64."""
        super().__init__(controls, channels, HIDDEN, size=0.1)

    def forward(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        """As in `Predictor`; λ below 0 is mirrored."""
        sign = torch.copysign(torch.ones_like(lam), lam)  # lam.sign() has no slope to give at 0
        return super().forward(sign * (sign * lam / EPSILON).log1p() / math.log1p(1 / EPSILON))


def wrap(module: nn.Module, controls: int) -> Modulated:
    """`module` (nn.Conv2d) with FiLM after it."""
    conv = convolution(module)
    return Modulated(conv, FilmPredictor(controls, conv.out_channels), controls)


FILM = Strategy(
    name="film",
    source="Dosovitskiy & Djolonga, You Only Train Once, ICLR 2020",
    wrap=wrap,
    site="convolutions",
    training="joint",
    exact_base=False,
    folds=True,
    maps=True,
    limits="λ = 0 is not exactly the base network: the MLP has biases.",
)
