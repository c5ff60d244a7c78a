"""The two tasks: what λ means, what is asked of the result, and how it is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import torch
from rheostat import MultiLoss
from rheostat.data import Crops, centre, find_pictures, read_all, to_float
from rheostat.degradations import add_gaussian_noise
from rheostat.nets.restorer import ResidualBlock
from rheostat.perception import LPIPS
from rheostat.samplers import corners
from rheostat.tasks.denoise import DenoiseTask
from torch import Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio

Name = Literal["noise", "perception"]
FIDELITY_FLOOR = 0.4  # part of L1 that stays at λ = 1: LPIPS alone trains to worse LPIPS
LEVEL_EXPONENT = DenoiseTask.level_exponent
EVALUATED = 24  # pictures
SIDE = 192  # pixels of each


class TaskRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task's part of recipe.toml; positions are values of λ."""

    steps: int
    levels: tuple[float, float]  # noise σ in 8-bit levels at λ = 0 and 1
    seen: tuple[float, ...]  # by joint training; none: the whole range
    specialists: tuple[float, ...]
    positions: tuple[float, ...]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """recipe.toml."""

    seed: int
    width: int
    blocks: int
    batch: int
    patch: int
    learning_rate: float
    noise: TaskRecipe
    perception: TaskRecipe


class Backbone(nn.Module):
    """The shipped denoiser's shape, smaller: residual blocks on 2×2 pixels, then x less noise."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, width, 3, padding=1))
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, 12, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), even sides -> same shape."""
        y: Tensor = x - self.shuffle(self.leave(self.body(self.enter(x - 0.5))))
        return y


class Task:
    """Samples, loss and measures of one of the two tasks."""

    def __init__(self, name: Name, recipe: Recipe, data: Path, device: torch.device) -> None:
        """`data` holds photos/, test/CBSD68/ and backbones/."""
        self.name, self.recipe, self.device = name, recipe, device
        self.own: TaskRecipe = getattr(recipe, name)
        self.lpips = LPIPS(data / "backbones").to(device)
        self.reset()
        held_out = find_pictures(data / "test" / "CBSD68")[:EVALUATED]
        self.clean = to_float(torch.stack([_square(p) for p in read_all(held_out)])).to(device)

    def reset(self) -> None:
        """Forget the losses' running averages: every run begins alike."""
        self.multi_loss = MultiLoss(("fidelity", "perception")).to(self.device)

    def draw_lam(self, generator: torch.Generator) -> Tensor:
        """λ (N, 1) of a batch in joint training."""
        if not self.own.seen:
            return corners(self.recipe.batch, 1, generator)
        chosen = torch.randint(len(self.own.seen), (self.recipe.batch, 1), generator=generator)
        return torch.tensor(self.own.seen)[chosen]

    def degrade(self, clean: Tensor, lam: Tensor, generator: torch.Generator) -> Tensor:
        """`clean` (N, 3, H, W) with the noise that λ (N, 1) stands for."""
        low, high = self.own.levels
        return add_gaussian_noise(clean, low + (high - low) * lam[:, 0], generator)

    def loss(self, output: Tensor, clean: Tensor, lam: Tensor) -> Tensor:
        """What is trained: L1; with the perception task, L1 and LPIPS weighted by λ (N, 1).

        L1 grows with the noise. In a batch of several levels each counts alike: weighted by the
        slope of a denoiser's error along σ, as in training `denoise`.
        """
        fidelity = (output - clean).abs().mean((1, 2, 3))
        weight = lam[:, 0].to(fidelity)
        if self.name == "noise":
            low, high = self.own.levels
            level = (low + (high - low) * weight + 2) ** -LEVEL_EXPONENT
            return (fidelity * level / level.mean()).mean()
        perception = torch.zeros_like(fidelity)
        wanted = weight > 0
        if bool(wanted.any()):
            distance = self.lpips(output[wanted], clean[wanted])
            perception = perception.index_put((wanted,), distance.to(fidelity))
        total: Tensor = self.multi_loss(
            {"fidelity": fidelity, "perception": perception},
            {"fidelity": 1 - (1 - FIDELITY_FLOOR) * weight, "perception": weight},
        )
        return total

    @torch.inference_mode()
    def measure(self, network: nn.Module, position: float) -> dict[str, float]:
        """PSNR (dB), L1 and LPIPS of the plain `network` at λ = `position`; fixed noise."""
        lam = torch.tensor([[position]])
        noisy = torch.cat(
            [
                self.degrade(picture[None].cpu(), lam, torch.Generator().manual_seed(index))
                for index, picture in enumerate(self.clean)
            ]
        ).to(self.device)
        result = network(noisy).clamp(0, 1)
        psnr = [
            float(peak_signal_noise_ratio(r[None], c[None], data_range=1.0))
            for r, c in zip(result, self.clean, strict=True)
        ]
        scores = {
            "psnr": sum(psnr) / len(psnr),
            "fidelity": float((result - self.clean).abs().mean()),
        }
        if self.name == "perception":
            scores["perception"] = float(self.lpips(result, self.clean).mean())
        return scores


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`."""
    return msgspec.toml.decode(path.read_bytes(), type=Recipe)


def read_crops(recipe: Recipe, data: Path) -> Crops:
    """The training pictures, in memory."""
    return Crops(read_all(find_pictures(data / "photos")), recipe.patch)


def _square(picture: Tensor) -> Tensor:
    return centre(picture, SIDE)
