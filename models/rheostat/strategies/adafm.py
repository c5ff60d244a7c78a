"""AdaFM: He, Dong & Qiao, "Modulating Image Restoration with Continual Levels" (CVPR 2019).

y = f + Σᵢ λᵢ (gᵢ ⊛ f + hᵢ) after every convolution, gᵢ a depthwise filter (here 1×1, the published
code's default). Trained at the ends: the network at λ = 0, then only the filters at λ = 1. Exact at
λ = 0, whatever is trained; folds into the convolution; takes maps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .modulation import Modulated, Predictor, convolution
from .strategy import Strategy


class AdaFmPredictor(Predictor):
    """a − 1 = λ g and c = λ h: no bias, so λ = 0 changes nothing."""

    def __init__(self, controls: int, channels: int) -> None:
        """One filter and one shift per control and channel."""
        super().__init__()
        self.filters = nn.Parameter(torch.zeros(controls, channels))
        self.shifts = nn.Parameter(torch.zeros(controls, channels))

    def forward(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        """As in `Predictor`."""
        return lam @ self.filters, lam @ self.shifts


def wrap(module: nn.Module, controls: int) -> Modulated:
    """`module` (nn.Conv2d) with AdaFM filters after it."""
    conv = convolution(module)
    return Modulated(conv, AdaFmPredictor(controls, conv.out_channels), controls)


ADAFM = Strategy(
    name="adafm",
    source="He, Dong & Qiao, Modulating Image Restoration with Continual Levels, CVPR 2019",
    wrap=wrap,
    site="convolutions",
    training="ends",
    exact_base=True,
    folds=True,
    maps=True,
    limits="1×1 filters only; the paper's larger ones do not fold.",
)
