"""Style: photographs painted in the manner of paintings, mixed and as strong as λ says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from rheostat_client.controls import Control
from torch import Generator, Tensor

from ..nets import Network
from ..samplers import corners, simplex
from ..scores import TRAVEL, Render, Scores
from ..style import STYLE_WEIGHT, StyleLoss
from .task import Batch, Task

PAINTINGS: Mapping[str, str] = {  # by control id; public domain, in the folder `styles`
    "starry": "starry_night_van_gogh_1889.jpg",
    "wave": "great_wave_hokusai_1831.jpg",
    "scream": "the_scream_munch_1893.jpg",
    "composition": "composition_vii_kandinsky_1913.jpg",
}
COARSENESS = (-1.0, -1.0, 0.0, 1.0, 1.0)  # of the style layers
CONTRAST = 4.0  # by what a layer's weight grows or falls from the middle of stroke to its end
MIDDLE = 0.5  # stroke at which all layers weigh alike
FLOOR = 0.1  # added to the loss before its logarithm: less than that is as good as nothing
KEEP = 1.5  # of content beside the logarithm: it holds while style is still far the larger term
BORDER = 0.3  # of the result's side that the loss does not see, shared out at random by both ends
SIDE = 256  # pixels; pictures are measured at this short side


class StyleTask(Task):
    """λ = (weight of each painting …, stroke, strength).

    L(λ) = content + 40 · strength² · Σᵢ shareᵢ Σₗ wₗ(stroke) · styleᵢₗ, with the shares of the
    paintings in the sum of their weights. What is trained is log L + 1.5 · content: a sample counts
    by the factor that its loss can still fall, be it weak or strong, dark or bright, and content is
    not forgotten while style is still far the larger term. The loss looks at a window somewhere in
    the result: a network that knows where the border is paints dark and bright bars along it, which
    have the painting's statistics and nothing of the photograph. wₗ(stroke) moves weight from
    fine to coarse layers (Babaeizadeh & Ghiasi, ICLR 2020) and keeps its sum. Photographs are taken
    between their own size and about 0.4 of it.
    """

    architecture = "stylizer"
    controls = (*PAINTINGS, "stroke", "strength")
    margin = 160
    captions: ClassVar = {
        **{
            name: f"`{name}` = position against a second painting at 0.5; style is the distance to "
            "the painting."
            for name in PAINTINGS
        },
        "stroke": "`stroke` = position, the mean over the paintings; coarse and fine are the "
        "distances of the coarse and the fine layers.",
        "strength": "`strength` = position, the mean over the paintings; total is content + 40 · "
        "style.",
        "blend": "The same as the opacity of the full result over the photograph: the baseline.",
        "paintings": "Each painting alone at full strength, by number in the order of the sliders.",
    }

    def __init__(self, backbones: Path) -> None:
        """The paintings come from the folder `styles` beside `backbones`."""
        super().__init__(backbones)
        styles = backbones.resolve().parent / "styles"
        self.losses = StyleLoss(backbones, [styles / name for name in PAINTINGS.values()])

    def draw(self, clean: Tensor, detailed: float, generator: Generator) -> Batch:
        """Photographs at random scales, λ = one painting alone at full strength, in the middle of
        stroke; in the share `detailed` of the samples most of that is drawn anew.
        """
        count, side = clean.shape[0], clean.shape[2] - 2 * self.margin
        pictures = torch.cat([_rescaled(picture, side, generator) for picture in clean])
        paintings = len(PAINTINGS)
        first = torch.randint(paintings, (1,), generator=generator)
        alone = F.one_hot((first + torch.arange(count)) % paintings, paintings)  # all, by turns
        plain = torch.cat((alone, torch.tensor([MIDDLE, 1.0]).expand(count, -1)), dim=1)
        mixture = simplex(count, paintings, generator)
        anything = torch.cat((mixture, corners(count, 2, generator, share=0.3)), dim=1)
        parts = [0] * paintings + [1, 2]  # the mixture, stroke, strength
        drawn = (torch.rand(count, 3, generator=generator) < 0.67)[:, parts]
        varied = torch.rand(count, 1, generator=generator) < detailed
        lam = torch.where(varied & drawn, anything, plain)
        top, left = torch.randint(round(BORDER * side) + 1, (2,), generator=generator).tolist()
        return Batch(pictures, pictures, lam, (top, left))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The scalar loss; see the class."""
        weights, stroke, strength = batch.lam.tensor_split([len(PAINTINGS), -1], dim=1)
        seen, photograph = (_inside(picture, batch.phase) for picture in (output, batch.target))
        with torch.no_grad():
            content = self.losses.content(photograph)
        found = self.losses(seen, content)
        shares = weights / weights.sum(1, keepdim=True)
        style = (found.style * shares[:, :, None] * layer_weights(stroke)[:, None]).sum((1, 2))
        weight = STYLE_WEIGHT * strength[:, 0] ** 2
        total = (found.content + weight * style + FLOOR).log() + KEEP * found.content
        mean: Tensor = total.mean()
        return mean

    def validate(self, network: Network, pictures: Sequence[Tensor]) -> dict[str, float]:
        """The total loss of every painting alone at full strength, in the middle of stroke."""
        scores = dict.fromkeys(PAINTINGS, 0.0)
        for clean in pictures:
            content = self.losses.content(clean)
            for number, name in enumerate(PAINTINGS):
                lam = torch.tensor([position({name: 1.0})], device=clean.device)
                found = self.losses(network(clean, lam).clamp(0, 1), content)
                total = found.content[0] + STYLE_WEIGHT * found.style[0, number].sum()
                scores[name] += float(total) / len(pictures)
        return scores

    def measure(
        self,
        render: Render,
        clean: Tensor,
        index: int,
        controls: Sequence[Control],
        scores: Scores,
    ) -> None:
        """Sweeps of every slider, of `blend`, and `paintings`: see the captions."""
        del index, controls  # nothing is drawn at random, and every slider goes from 0 to 1
        photograph = measured(clean)
        content = self.losses.content(photograph)

        def look(**sliders: float) -> tuple[Tensor, Tensor, Tensor]:
            result = render(photograph, position(sliders)).clamp(0, 1)
            found = self.losses(result, content)
            return result, found.content[0], found.style[0]

        names = list(PAINTINGS)
        for number, name in enumerate(names):
            second = names[(number + 1) % len(names)]
            for travel in TRAVEL:
                style = look(**{second: 0.5, name: travel})[2]
                scores.add(name, travel, style=style[number].sum())
            for travel in TRAVEL:
                style = look(**{name: 1.0, "stroke": travel})[2][number]
                coarse, fine = (style[_layers(sign)].sum() / len(names) for sign in (1, -1))
                scores.add("stroke", travel, coarse=coarse, fine=fine)
            full = look(**{name: 1.0})[0]
            for travel in TRAVEL:
                _, distance, style = look(**{name: 1.0, "strength": travel})
                self._add(scores, "strength", travel, distance, style[number], len(names))
                found = self.losses(photograph + travel * (full - photograph), content)
                self._add(
                    scores, "blend", travel, found.content[0], found.style[0, number], len(names)
                )
            found = self.losses(full, content)
            self._add(scores, "paintings", number, found.content[0], found.style[0, number], 1)

    @staticmethod
    def _add(
        scores: Scores, sweep: str, place: float, content: Tensor, style: Tensor, parts: int
    ) -> None:
        style = style.sum() / parts
        content = content / parts
        total = content + STYLE_WEIGHT * style
        scores.add(sweep, place, content=content, style=style, total=total)


def position(sliders: Mapping[str, float]) -> tuple[float, ...]:
    """λ with these sliders; paintings that are not named are at 0, the rest at their defaults."""
    defaults = {**dict.fromkeys(PAINTINGS, 0.0), "stroke": MIDDLE, "strength": 1.0}
    return tuple((defaults | dict(sliders)).values())


def layer_weights(stroke: Tensor) -> Tensor:
    """Weights (N, layers) of the style layers for `stroke` (N, 1) in 0..1; each row's mean is 1."""
    weights = CONTRAST ** ((2 * stroke - 1) * stroke.new_tensor(COARSENESS))
    return weights / weights.mean(1, keepdim=True)


def measured(clean: Tensor) -> Tensor:
    """A picture (1, 3, H, W) at the size at which it is measured, sides multiples of 4."""
    scale = SIDE / min(clean.shape[2:])
    size = [round(side * scale / 4) * 4 for side in clean.shape[2:]]
    return F.interpolate(clean, size, mode="bicubic", antialias=True).clamp(0, 1)


def _inside(picture: Tensor, phase: tuple[int, int]) -> Tensor:
    """The window of the loss, `phase` from the top left; its sides are less by BORDER of them."""
    top, left = phase
    height, width = (side - round(BORDER * side) for side in picture.shape[2:])
    return picture[:, :, top : top + height, left : left + width]


def _layers(sign: int) -> list[int]:
    return [number for number, coarseness in enumerate(COARSENESS) if coarseness * sign > 0]


def _rescaled(picture: Tensor, side: int, generator: Generator) -> Tensor:
    """A random square of `picture` (3, H, H), at least `side` wide, reduced to `side`."""
    widest = picture.shape[1]
    draws = torch.rand(3, generator=generator)
    cut = side + int(float(draws[0]) * (widest - side + 1))
    top, left = (int(float(draw) * (widest - cut + 1)) for draw in draws[1:])
    square = picture[None, :, top : top + cut, left : left + cut]
    return F.interpolate(square, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
