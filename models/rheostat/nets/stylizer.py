"""Stylizer: a photograph painted anew, in the manner of several paintings at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..strategies import convert
from .network import Baked, Network
from .restorer import ResidualBlock, smooth_step

FOLD = 4  # pixels on a side that share their features
WINDOW = 9  # folds on a side over which contrast is evened out
FAINT = 1 / 255  # what has less contrast than that is not lifted to full contrast
ONSET = 0.15  # strength, or sum of the weights, over which the change grows to its full size


class Eyes(nn.Module):
    """Picture -> features at a quarter of its size.

    They see the picture as it is, and once more with its contrast evened out: each value less the
    mean of its surroundings, over their deviation. That is what instance normalisation does for
    style networks (Ulyanov et al., CVPR 2017), by statistics of a window and not of the picture,
    so that a tile equals the whole. Without it flat parts stay flat: a convolution paints nothing
    where nothing is.
    """

    def __init__(self, width: int, dilations: Sequence[int]) -> None:
        """A residual block of `width` channels for each of `dilations`."""
        super().__init__()
        self.fold = nn.PixelUnshuffle(FOLD)
        self.across = nn.AvgPool2d((1, WINDOW), 1, (0, WINDOW // 2))
        self.along = nn.AvgPool2d((WINDOW, 1), 1, (WINDOW // 2, 0))
        self.enter = nn.Conv2d(3 * FOLD**2, width, 3, padding=1)
        self.enter_evened = nn.Conv2d(3 * FOLD**2, width, 3, padding=1, bias=False)
        self.body = nn.Sequential(*(ResidualBlock(width, dilation) for dilation in dilations))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), sides multiples of 4 -> (N, width, H / 4, W / 4)."""
        folded = self.fold(x - 0.5)
        inside = self._mean(folded * 0 + 1)  # less than 1 where the window leaves the picture
        apart = folded - self._mean(folded) / inside
        evened = apart * torch.rsqrt(self._mean(apart * apart) / inside + FAINT**2)
        dtype = next(self.parameters()).dtype
        z: Tensor = self.body(self.enter(folded.to(dtype)) + self.enter_evened(evened.to(dtype)))
        return z

    def _mean(self, x: Tensor) -> Tensor:
        mean: Tensor = self.along(self.across(x))
        return mean


class Brush(nn.Module):
    """Features at a quarter of the size -> what is painted, at full size, by two doublings.

    Repeated pixels and a convolution, and no pixel shuffle: its pattern of fixed period would look
    like brush work to the loss.
    """

    def __init__(self, width: int, dilations: Sequence[int]) -> None:
        """A residual block for each of `dilations`, then `width` / 2 and `width` / 4 channels."""
        super().__init__()
        self.body = nn.Sequential(*(ResidualBlock(width, dilation) for dilation in dilations))
        self.enlarge = nn.Upsample(scale_factor=2)
        self.middle = nn.Conv2d(width, width // 2, 3, padding=1)
        self.last = nn.Conv2d(width // 2, width // 4, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width / 4, 4 H, 4 W)."""
        z = torch.relu(self.middle(self.enlarge(self.body(z))))
        stroke: Tensor = self.last(self.enlarge(z))
        return stroke


class Stylized(Baked):
    """A stylizer baked at one slider position."""

    def __init__(
        self, features: Eyes, brush: Brush, detail: nn.Conv2d, leave: nn.Conv2d, fade: float
    ) -> None:
        """The parts of a Stylizer at one λ."""
        super().__init__()
        self.features, self.brush, self.detail, self.leave = features, brush, detail, leave
        self.fade = fade

    def trunk(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> features (N, width, H / 4, W / 4)."""
        z: Tensor = self.features(x)
        return z

    def head(self, x: Tensor, features: Tensor) -> Tensor:
        """`x` with its change."""
        seen = (x - 0.5).to(next(self.detail.parameters()).dtype)
        change = self.leave(torch.relu(self.brush(features) + self.detail(seen)))
        y: Tensor = x + torch.tanh(change.to(x)) * self.fade
        return y


class Stylizer(Network):
    """Stylizer with sliders λ = (weight of each painting …, stroke, strength).

    weights   0–1 each; only their shares count, and where all are 0 nothing is painted
    stroke    0 (fine) to 1 (coarse)
    strength  0 to 1; 0 is the identity, exactly. Moves the last blocks only

    Result = picture + fade(λ) · tanh(net(picture, λ)). The kernels are affine in (share of each
    painting, 2 · stroke − 1, strength − 1): a mixture of paintings has a mixture of their kernels
    (Maggioni et al., CVPR 2023). Dilated layers at a quarter of the size see far enough for brush
    strokes; a last layer at full size also sees the photograph, to paint over its detail.
    """

    multiple = FOLD
    last_powers = ()  # strength counts from 1 downwards: its low end would move

    def __init__(
        self,
        paintings: int = 4,
        width: int = 64,
        early: Sequence[int] = (1, 2, 4, 8),
        late: Sequence[int] = (2, 1),
    ) -> None:
        """Residual blocks of `width` channels with these dilations; strength moves the late ones.

        ValueError without paintings, or if `width` is no multiple of 4.
        """
        super().__init__()
        if paintings < 1 or width < 4 or width % 4:
            raise ValueError(
                f"paintings is {paintings} and width {width}; at least 1, and a multiple of 4"
            )
        self.paintings = paintings
        late_axes = paintings + 2
        self.trunk = convert(Eyes(width, early), controls=paintings + 1)
        self.brush = convert(Brush(width, late), controls=late_axes)
        self.detail = convert(nn.Conv2d(3, width // 4, 3, padding=1), controls=late_axes)
        self.leave = convert(nn.Conv2d(width // 4, 3, 3, padding=1), controls=late_axes)
        layers = 1 + sum(dilation + 1 for dilation in (*early, *late)) + 2 * (WINDOW // 2)
        self.receptive_radius = FOLD * layers + 7  # and the layers at half and at full size

    def forward(self, x: Tensor, lam: Tensor) -> Tensor:
        """`x` (N, 3, H, W), sides multiples of 4; `lam` (N, P), (1, P) or a map."""
        axes, fade = self.coordinates(lam), self.fade(lam)
        if lam.ndim == 4:
            axes = nn.functional.avg_pool2d(axes, FOLD)
        else:
            fade = fade[:, :, None, None]
        strokes = self.brush(self.trunk(x, axes[:, :-1]), axes)
        change = self.leave(torch.relu(strokes + self.detail(x - 0.5, axes)), axes)
        y: Tensor = x + torch.tanh(change) * fade
        return y

    def bake(self, lam: Tensor) -> Stylized:
        """The plain network at `lam` (P,)."""
        axes = self.coordinates(lam[None])[0]
        trunk, brush = self.trunk.bake(axes[:-1]), self.brush.bake(axes)
        detail, leave = self.detail.bake(axes), self.leave.bake(axes)
        assert isinstance(trunk, Eyes)
        assert isinstance(brush, Brush)
        assert isinstance(detail, nn.Conv2d)
        assert isinstance(leave, nn.Conv2d)
        return Stylized(trunk, brush, detail, leave, self.fade(lam[None]).item())

    def coordinates(self, lam: Tensor) -> Tensor:
        """(shares …, 2 · stroke − 1, strength − 1): 0 in the middle of stroke at full strength."""
        weights, stroke, strength = lam.tensor_split([self.paintings, self.paintings + 1], dim=1)
        shares = weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
        return torch.cat((shares, 2 * stroke - 1, strength - 1), dim=1)

    def fade(self, lam: Tensor) -> Tensor:
        """0 without strength or paintings, 1 from 0.15 of both on."""
        total = lam[:, : self.paintings].sum(1, keepdim=True)
        return smooth_step(lam[:, -1:] / ONSET) * smooth_step(total / ONSET)
