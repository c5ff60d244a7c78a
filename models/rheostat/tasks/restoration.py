"""Restoration: a fault of known strength is put into clean pictures, and learned to be undone."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from rheostat_client.controls import Control
from torch import Generator, Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, total_variation

from ..estimators import ESTIMATORS
from ..losses import MultiLoss, l1
from ..nets import Network
from ..perception import LPIPS
from ..scores import TRAVEL, Render, Scores
from .task import Batch, Task


class Restoration(Task):
    """λ = (what describes the fault …, detail 0–1).

    L(λ) = ((1 − 0.6 detail) · L1 + detail · LPIPS) · level(λ), each term over its running average.
    `level` evens out how large the error is along the fault's strength, so that every strength
    counts alike. Part of L1 stays at full detail: the gradient of LPIPS alone is so rough that both
    losses end higher. LPIPS sees the picture at a random phase: its backbone and the network both
    work on a grid of two pixels, and a fixed phase would let the pattern of the one hide in the
    other.
    """

    fidelity_floor = 0.4
    smallest = 18  # LPIPS sees 17 of it
    probes: ClassVar[Mapping[str, tuple[float, ...]]]  # known faults; a training is watched on them
    series: ClassVar[
        Mapping[str, Mapping[float, tuple[float, ...]]]
    ]  # measured: faults by strength
    middle: ClassVar[tuple[float, ...]]  # the fault on which sliders are swept
    offsets: ClassVar[tuple[float, ...]]  # wrong settings of the first control at that fault

    def __init__(self, backbones: Path) -> None:
        """Load the perceptual loss from the folder `backbones`."""
        super().__init__(backbones)
        self.multi_loss = MultiLoss(("fidelity", "perception"))
        self.lpips = LPIPS(backbones)

    @abc.abstractmethod
    def draw_faults(self, count: int, generator: Generator) -> Tensor:
        """λ without detail, (count, P − 1)."""

    @abc.abstractmethod
    def degrade(self, clean: Tensor, faults: Tensor, generator: Generator) -> Tensor:
        """`clean` (N, 3, H, W) with the faults (N, P − 1) in it; `margin` is not cut off.

        Sides are multiples of `scale`, and the result is smaller by that.
        """

    def spoil(self, clean: Tensor, fault: tuple[float, ...], seed: int) -> Tensor:
        """A known fault as it is measured: the same for the same seed."""
        return self.degrade(clean, torch.tensor([fault]), torch.Generator().manual_seed(seed))

    def untouched(self, spoilt: Tensor) -> Tensor:
        """What one would have without the network, of the clean picture's size."""
        return spoilt

    def judged(self, picture: Tensor) -> Tensor:
        """What of a picture (N, 3, H, W) in 0..1 PSNR is taken of: all."""
        return picture

    @abc.abstractmethod
    def level(self, faults: Tensor) -> Tensor:
        """Weight (N,) of samples with these faults."""

    def draw(self, clean: Tensor, detailed: float, generator: Generator) -> Batch:
        """Degraded samples; see Task. About half of those with detail are at 1."""
        count = clean.shape[0]
        faults = self.draw_faults(count, generator)
        detail = torch.rand(count, generator=generator)
        detail[torch.rand(count, generator=generator) < 0.5] = 1.0
        share = count * detailed + float(torch.rand((), generator=generator))
        detail[int(share) :] = 0.0  # an even number keeps the step time even
        degraded = self.degrade(clean, faults, generator)
        down, right = torch.randint(2, (2,), generator=generator).tolist()
        lam = torch.cat((faults, detail[:, None]), dim=1)
        return Batch(self._inner(degraded), self._inner(clean), lam, (down, right))

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """The scalar multi-loss; see the class."""
        faults, detail = batch.lam[:, :-1], batch.lam[:, -1]
        fidelity = l1(output, batch.target)
        perception = torch.zeros_like(fidelity)
        wanted = detail > 0
        if bool(wanted.any()):
            down, right = batch.phase
            distance = self.lpips(
                output[wanted, :, down:, right:], batch.target[wanted, :, down:, right:]
            )
            perception = perception.index_put((wanted,), distance.to(fidelity))
        level = self.level(faults)
        assert self.multi_loss is not None
        total: Tensor = self.multi_loss(
            {"fidelity": fidelity * level, "perception": perception * level},
            {"fidelity": 1 - (1 - self.fidelity_floor) * detail, "perception": detail},
        )
        return total

    def validate(self, network: Network, pictures: Sequence[Tensor]) -> dict[str, float]:
        """PSNR (dB) at every probe without detail; LPIPS at the middle one without and with."""
        scores: dict[str, list[float]] = {}
        middle = list(self.probes)[len(self.probes) // 2]
        for index, clean in enumerate(pictures):
            for name, fault in self.probes.items():
                degraded = self.spoil(clean.cpu(), fault, index).to(clean)
                for detail in (0.0, 1.0) if name == middle else (0.0,):
                    lam = torch.tensor([[*fault, detail]], device=clean.device)
                    result = network(degraded, lam).clamp(0, 1)
                    if not detail:
                        psnr = float(self._psnr(result, clean))
                        scores.setdefault(f"psnr_{name}", []).append(psnr)
                    if name == middle:
                        distance = float(self.lpips(result, clean))
                        scores.setdefault(f"lpips_detail_{detail:g}", []).append(distance)
        return {name: sum(values) / len(values) for name, values in scores.items()}

    def measure(
        self,
        render: Render,
        clean: Tensor,
        index: int,
        controls: Sequence[Control],
        scores: Scores,
    ) -> None:
        """Each series of known faults, set right, without detail; then, on the middle fault, sweeps
        of `detail`, of `blend` (the same travel as an opacity blend of the two ends, the baseline),
        of the first control by its name, and `offset` (that control set too low or too high).
        """
        height, width = (side - side % self.scale for side in clean.shape[2:])
        clean = clean[:, :, :height, :width]
        for name, faults in self.series.items():
            for position, fault in faults.items():
                spoilt = self.spoil(clean, fault, index)
                psnr = self._psnr(render(spoilt, (*fault, 0.0)), clean)
                noisy = self._psnr(self.untouched(spoilt), clean)
                scores.add(name, position, psnr=psnr, noisy=noisy)
        spoilt = self.spoil(clean, self.middle, index)
        self._sweep_detail(render, spoilt, clean, scores)
        first, *others = self.middle
        low, high = controls[0].soft
        for position in TRAVEL:
            value = low + (high - low) * position
            result = render(spoilt, (value, *others, 0.0))
            roughness = total_variation(result) / result.numel()
            scores.add(self.controls[0], value, roughness=roughness)
        for offset in self.offsets:
            result = render(spoilt, (first + offset, *others, 0.0))
            scores.add("offset", offset, psnr=self._psnr(result, clean))

    def measure_estimator(
        self, clean: Tensor, index: int, controls: Sequence[Control], scores: Scores
    ) -> None:
        """`auto_…`, for each series: what the first control's estimator says of the faults."""
        height, width = (side - side % self.scale for side in clean.shape[2:])
        for name, faults in self.series.items() if controls[0].auto else ():
            for position, fault in faults.items():
                spoilt = self.spoil(clean[:, :, :height, :width], fault, index)
                found = ESTIMATORS[controls[0].auto or ""]([spoilt[0]])
                scores.add(f"auto_{name}", position, found=found, error=abs(found - fault[0]))

    def _sweep_detail(self, render: Render, spoilt: Tensor, clean: Tensor, scores: Scores) -> None:
        described = self.lpips.describe(clean)
        results = {d: render(spoilt, (*self.middle, d)) for d in TRAVEL}
        for position, result in results.items():
            blend = (1 - position) * results[0.0] + position * results[1.0]
            for sweep, picture in (("detail", result), ("blend", blend)):
                picture = picture.clamp(0, 1)
                scores.add(
                    sweep,
                    position,
                    psnr=self._psnr(picture, clean),
                    fidelity=(picture - clean).abs().mean(),
                    perception=self.lpips.distance(self.lpips.describe(picture), described)[0],
                )

    def _psnr(self, picture: Tensor, clean: Tensor) -> Tensor:
        ours, theirs = self.judged(picture.clamp(0, 1)), self.judged(clean)
        return peak_signal_noise_ratio(ours, theirs, data_range=1.0)

    def _inner(self, picture: Tensor) -> Tensor:
        m = self.margin
        return picture[:, :, m:-m, m:-m] if m else picture
