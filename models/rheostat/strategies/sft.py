"""SFT maps: Park et al., "Flexible Style Image Super-Resolution (FxSR)", IEEE Access 2022.

A net of 1×1 convolutions, 1 → 1 → 32 as published, reads λ at every pixel, and each convolution
takes its scale (+1) and its shift from it through two more each: a constant λ is the special case.
Here every convolution has its own small net, so that it stays where it was put, and scale and
shift share its layers. Joint training; folds where λ is one value. λ = 0 is no special place.
"""

from __future__ import annotations

from torch import Tensor, nn

from .modulation import Modulated, PerceptronPredictor, convolution
from .strategy import Strategy

HIDDEN = 32


class SftPredictor(PerceptronPredictor):
    """Two layers of 32, the first leaky, the second ReLU, read by one linear layer."""

    def __init__(self, controls: int, channels: int) -> None:
        """For `channels` of a convolution."""
        super().__init__(HIDDEN, channels, HIDDEN)
        self.condition = nn.Sequential(nn.Linear(controls, HIDDEN), nn.LeakyReLU(0.1))

    def forward(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        """As in `Predictor`."""
        return super().forward(self.condition(lam))


def wrap(module: nn.Module, controls: int) -> Modulated:
    """`module` (nn.Conv2d) with an SFT layer after it."""
    conv = convolution(module)
    return Modulated(conv, SftPredictor(controls, conv.out_channels), controls)


SFT = Strategy(
    name="sft",
    source="Park, Moon & Cho, Flexible Style SR using Conditional Objective, IEEE Access 2022",
    wrap=wrap,
    site="convolutions",
    training="joint",
    exact_base=False,
    folds=True,
    maps=True,
    limits="λ = 0 is not exactly the base network: the condition net has biases. "
    "Each convolution has a net of its own; scale and shift share a layer of 32 with ReLU in it, "
    "where the paper's have one each, with leaky ReLU.",
)
