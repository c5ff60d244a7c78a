"""What a training needs to know of the thing that is learned."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from rheostat_client.controls import Control
from torch import Generator, Tensor, nn

from ..losses import MultiLoss
from ..nets import Network
from ..scores import Render, Scores


@dataclass(frozen=True)
class Batch:
    """Training samples: `input` and `target` (N, 3, H, W) in 0..1, `lam` (N, P).

    `phase` is where a loss begins to look, pixels down and right: one that sees the picture on a
    grid, or in a window.
    """

    input: Tensor
    target: Tensor
    lam: Tensor
    phase: tuple[int, int] = (0, 0)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return replace(
            self,
            input=self.input.to(device),
            target=self.target.to(device),
            lam=self.lam.to(device),
        )


class Task(nn.Module, abc.ABC):
    """How samples are drawn and judged.

    architecture  the name of the networks that do it
    controls    ids of λ in order
    scale       sides of the result for one of the picture's
    smallest    patch, in pixels on a side, that the losses can judge
    captions    what the tables of its evidence show, by name
    margin      pixels that crops are larger than the patch on each side, for what is done to them
    multi_loss  the running averages of the losses, if it has any; saved and resumed with the
                training
    """

    architecture: ClassVar[str]
    controls: ClassVar[tuple[str, ...]]
    scale: ClassVar[int] = 1
    smallest: ClassVar[int] = 1
    captions: ClassVar[Mapping[str, str]]
    margin: int = 0
    multi_loss: MultiLoss | None

    @abc.abstractmethod
    def __init__(self, backbones: Path) -> None:
        """Load what the losses need from the folder `backbones`."""
        super().__init__()
        self.multi_loss = None

    @abc.abstractmethod
    def draw(self, clean: Tensor, detailed: float, generator: Generator) -> Batch:
        """Samples of `clean` (N, 3, H + 2 · margin, W + 2 · margin), λ drawn for each.

        `detailed` is the share of samples that are not plain: see `Stage`.
        """

    @abc.abstractmethod
    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The scalar multi-loss of `output` (N, 3, H, W)."""

    @abc.abstractmethod
    def validate(self, network: Network, pictures: Sequence[Tensor]) -> dict[str, float]:
        """Named scores, means over held-out `pictures` (1, 3, H, W)."""

    def measure_estimator(
        self, clean: Tensor, index: int, controls: Sequence[Control], scores: Scores
    ) -> None:
        """Add to `scores` what a control's estimator says of a fault put into a clean picture."""
        del clean, index, controls, scores  # by default, there is none

    @abc.abstractmethod
    def measure(
        self,
        render: Render,
        clean: Tensor,
        index: int,
        controls: Sequence[Control],
        scores: Scores,
    ) -> None:
        """Add to `scores` what `render` makes of one clean picture (1, 3, H, W), the `index`-th."""
