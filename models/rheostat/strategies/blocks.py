"""Strategies that act on whole blocks: what a block gives is blended with something else by λ."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..tunable import TunableLayer, at_size
from .strategy import Strategy, width


class Sum(nn.Module):
    """z + Σᵢ αᵢ ψᵢ(z), z what `block` gives: tuning blocks at one position."""

    def __init__(self, block: nn.Module, tuning: nn.ModuleList, alpha: Tensor) -> None:
        """`alpha` (len(tuning),)."""
        super().__init__()
        self.block, self.tuning = block, tuning
        self.alpha = nn.Parameter(alpha, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Only the tuning blocks whose α is not 0 are run."""
        z: Tensor = self.block(x)
        y = z
        for alpha, psi in zip(self.alpha, self.tuning, strict=True):
            if alpha:
                y = y + alpha * psi(z)
        return y


class TuningBlocks(TunableLayer):
    """Dynamic-Net (Shoshan, Mechrez & Zelnik-Manor, ICCV 2019): z + Σᵢ αᵢ ψᵢ(z).

    ψ is conv–ReLU–conv–ReLU–conv, 3×3 at the block's width, and starts at zero.
    """

    def __init__(self, block: nn.Module, controls: int) -> None:
        """After `block`; the α of a tuning block is the control's λ."""
        super().__init__()
        self.block, self.controls = block, controls
        self.tuning = nn.ModuleList(_tuning_block(width(block)) for _ in range(controls))

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map (N, P, H, W)."""
        lam = self.position(x, lam)
        z: Tensor = self.block(x)
        lam = at_size(lam, z) if lam.ndim == 4 else lam[..., None, None]
        y = z
        for i, psi in enumerate(self.tuning):
            y = y + lam[:, i : i + 1] * psi(z)
        return y

    def bake(self, lam: Tensor) -> nn.Module:
        """The block, with the tuning blocks that count at fixed α."""
        if not lam.any():
            return copy.deepcopy(self.block)
        return Sum(copy.deepcopy(self.block), copy.deepcopy(self.tuning), lam.clone())

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The tuning blocks'."""
        yield from self.tuning.parameters()


class Coupling(nn.Module):
    """R + α ⊙ (T − R): CFSNet's two branches at one position."""

    def __init__(self, main: nn.Module, tuning: nn.Module, alpha: Tensor) -> None:
        """`alpha` (C,)."""
        super().__init__()
        self.main, self.tuning = main, tuning
        self.alpha = nn.Parameter(alpha, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Both branches, mixed."""
        r: Tensor = self.main(x)
        t: Tensor = self.tuning(x)
        return r + self.alpha[:, None, None] * (t - r)


class CoupledBlock(TunableLayer):
    """CFSNet (Wang et al., ICCV 2019): a second branch T beside the block R, R + α(λ) ⊙ (T − R).

    α comes from λ through linear layers without bias and is one value per channel, so α(0) = 0.
    T starts as a copy of R.
    """

    HIDDEN = 64

    def __init__(self, block: nn.Module, controls: int) -> None:
        """Beside `block`."""
        super().__init__()
        self.main, self.controls = block, controls
        self.tuning = copy.deepcopy(block).requires_grad_()  # trained where the block is frozen too
        self.alpha = nn.Sequential(
            nn.Linear(controls, self.HIDDEN, bias=False),
            nn.Linear(self.HIDDEN, width(block), bias=False),
        )

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map (N, P, H, W)."""
        lam = self.position(x, lam)
        r: Tensor = self.main(x)
        lam = at_size(lam, r) if lam.ndim == 4 else lam[..., None, None]
        t: Tensor = self.tuning(x)
        alpha: Tensor = self.alpha(lam.movedim(1, -1)).movedim(-1, 1)
        return r + alpha * (t - r)

    def bake(self, lam: Tensor) -> nn.Module:
        """Both branches at fixed α; the block alone where α is 0."""
        with torch.no_grad():
            alpha = self.alpha(lam)
        if not alpha.any():
            return copy.deepcopy(self.main)
        return Coupling(copy.deepcopy(self.main), copy.deepcopy(self.tuning), alpha)

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The second branch and what gives α."""
        yield from self.tuning.parameters()
        yield from self.alpha.parameters()


class Weighted(nn.Module):
    """x + c ⊙ (block(x) − x): a residual weighted per channel, at one position."""

    def __init__(self, block: nn.Module, weight: Tensor) -> None:
        """`weight` (C,)."""
        super().__init__()
        self.block = block
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """The block with its residual weighted."""
        y: Tensor = x + self.weight[:, None, None] * (self.block(x) - x)
        return y


class WeightedResidual(TunableLayer):
    """CResMD (He, Dong & Qiao, ECCV 2020): x + (W λ + v) ⊙ F(x), F the block's residual.

    At first W is 0 and v is 1: the block as it was. With the bias v, as published, λ = 0 is not
    the identity that the paper's "zero starting point" suggests.
    """

    def __init__(self, block: nn.Module, controls: int) -> None:
        """Around `block`, whose residual is what it adds to its input."""
        super().__init__()
        self.block, self.controls = block, controls
        self.weights = nn.Linear(controls, width(block))
        nn.init.zeros_(self.weights.weight)
        nn.init.ones_(self.weights.bias)

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, P), (1, P) or a map (N, P, H, W)."""
        lam = self.position(x, lam)
        lam = at_size(lam, x) if lam.ndim == 4 else lam[..., None, None]
        weight = self.weights(lam.movedim(1, -1)).movedim(-1, 1)
        y: Tensor = x + weight * (self.block(x) - x)
        return y

    def bake(self, lam: Tensor) -> nn.Module:
        """The block with fixed weights on its residual."""
        with torch.no_grad():
            return Weighted(copy.deepcopy(self.block), self.weights(lam))

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The weights'."""
        yield from self.weights.parameters()


class Mix(nn.Module):
    """(1 − λ) first + λ second: what a layer's opacity does, at one position."""

    def __init__(self, first: nn.Module, second: nn.Module, opacity: float) -> None:
        """`opacity` of the second over the first, 0..1."""
        super().__init__()
        self.first, self.second, self.opacity = first, second, opacity

    def forward(self, x: Tensor) -> Tensor:
        """Both, mixed."""
        y: Tensor = self.first(x)
        z: Tensor = self.second(x)
        return y + self.opacity * (z - y)


class OpacityBlend(TunableLayer):
    """The baseline of every slider: two networks, and one's result laid over the other's.

    One control. It costs a second pass, and any editor can do it without us.
    """

    def __init__(self, network: nn.Module, controls: int) -> None:
        """`network` is what λ = 0 gives; a copy of it is to be trained for λ = 1."""
        super().__init__()
        if controls != 1:
            raise ValueError(f"an opacity blend has 1 control, not {controls}")
        self.controls = controls
        self.first = network
        self.second = copy.deepcopy(network).requires_grad_()  # trained where the first is frozen

    def forward(self, x: Tensor, lam: Tensor | None = None) -> Tensor:
        """`x` (N, C, H, W) at λ = `lam`: (N, 1), (1, 1) or a map (N, 1, H, W)."""
        lam = self.position(x, lam)
        y: Tensor = self.first(x)
        lam = at_size(lam, y) if lam.ndim == 4 else lam[..., None, None]
        z: Tensor = self.second(x)
        return y + lam * (z - y)

    def bake(self, lam: Tensor) -> nn.Module:
        """Both networks at a fixed opacity; one of them alone at an end."""
        opacity = float(lam[0])
        if opacity == 0:
            return copy.deepcopy(self.first)
        return Mix(copy.deepcopy(self.first), copy.deepcopy(self.second), opacity)

    def added_parameters(self) -> Iterator[nn.Parameter]:
        """The second network's."""
        yield from self.second.parameters()


TUNING_BLOCKS = Strategy(
    name="tuning-blocks",
    source="Shoshan, Mechrez & Zelnik-Manor, Dynamic-Net, ICCV 2019",
    wrap=TuningBlocks,
    site="blocks",
    training="ends",
    exact_base=True,
    folds=False,
    maps=True,
    limits="Baked, it still runs the tuning blocks. "
    "The paper's dual form, with other blocks for λ < 0, is left out.",
)
CFSNET = Strategy(
    name="cfsnet",
    source="Wang et al., CFSNet, ICCV 2019",
    wrap=CoupledBlock,
    site="blocks",
    training="ends",
    exact_base=True,
    folds=False,
    maps=True,
    limits="Baked, it still runs both branches. "
    "Each block's α comes from one layer of 64; the paper's from a stack, 512-256-128-64 and on.",
)
CRESMD = Strategy(
    name="cresmd",
    source="He, Dong & Qiao, Interactive Multi-Dimension Modulation (CResMD), ECCV 2020",
    wrap=WeightedResidual,
    site="blocks",
    training="joint",
    exact_base=False,
    folds=False,
    maps=True,
    limits="Its linear layers have biases, so λ = 0 is neither the base network nor the identity. "
    "The paper's weight on the network's own outer residual is left out.",
)
BLEND = Strategy(
    name="blend",
    source="layer opacity",
    wrap=OpacityBlend,
    site="network",
    training="ends",
    exact_base=True,
    folds=False,
    maps=True,
    limits="One control; two passes.",
)


def _tuning_block(channels: int) -> nn.Sequential:
    convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)]
    nn.init.zeros_(convolutions[-1].weight)
    nn.init.zeros_(convolutions[-1].bias)  # type: ignore[arg-type]
    first, second, third = convolutions
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)
