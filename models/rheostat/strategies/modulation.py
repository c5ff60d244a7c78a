"""Modulation: a convolution whose result is scaled and shifted by what λ says.

    y = a(λ) ⊙ (x ⊛ k) + c(λ),   a, c: one value per channel

At one λ this folds into the convolution: kernel a k, bias a b + c. FiLM, SFT, conditional
normalisation and AdaFM differ in how a and c come from λ: that is a `Predictor`.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..tunable import TunableLayer, at_size


class Predictor(nn.Module):
    """λ (..., P) -> a − 1 and c, (..., C) each; the last axis is λ's, so maps work as well."""

    @abstractmethod
    def forward(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        """The scale less 1, and the shift."""


class Modulated(TunableLayer):
    """`conv` followed by scale and shift."""

    def __init__(self, conv: nn.Conv2d, predictor: Predictor, controls: int) -> None:
        """`predictor` gives a − 1 and c for each of the `conv`'s output channels."""
        super().__init__()
        self.conv, self.predictor, self.controls = conv, predictor, controls

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map (N, P, H, W)."""
        lam = self.position(x, lam)
        y = self.conv(x)
        lam = at_size(lam, y) if lam.ndim == 4 else lam[..., None, None]
        gain, shift = (t.movedim(-1, 1) for t in self.predictor(lam.movedim(1, -1)))
        result: Tensor = y + (gain * y + shift)
        return result

    def bake(self, lam: Tensor) -> nn.Module:
        """The convolution with scale and shift folded in."""
        plain = copy.deepcopy(self.conv).requires_grad_(False)
        with torch.no_grad():
            gain, shift = self.predictor(lam)
            bias = torch.zeros_like(shift) if plain.bias is None else plain.bias
            plain.weight.copy_(plain.weight * (1 + gain)[:, None, None, None])
            plain.bias = nn.Parameter(bias * (1 + gain) + shift, requires_grad=False)
        return plain

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The predictor's."""
        yield from self.predictor.parameters()


class PerceptronPredictor(Predictor):
    """`size` · MLP(λ) with one hidden layer; nothing is predicted until it is trained."""

    def __init__(self, controls: int, channels: int, hidden: int, size: float = 1.0) -> None:
        """`hidden` units; the output is multiplied by `size`."""
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(
            nn.Linear(controls, hidden), nn.ReLU(), nn.Linear(hidden, 2 * channels)
        )
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, lam: Tensor) -> tuple[Tensor, Tensor]:
        """As in `Predictor`."""
        gain, shift = (self.size * self.layers(lam)).chunk(2, dim=-1)
        return gain, shift


def convolution(module: nn.Module) -> nn.Conv2d:
    """`module`, which must be an nn.Conv2d (TypeError)."""
    if not isinstance(module, nn.Conv2d):
        raise TypeError(f"this strategy modulates nn.Conv2d, not {type(module).__name__}")
    return module
