"""Training pictures: any folder, held in memory as 8-bit RGB, cropped at random."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rheostat_client.errors import RheostatError
from torch import Tensor

LEVELS = 255.0  # 8-bit levels in the unit range
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (BT.601)
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}


def find_pictures(folder: Path) -> list[Path]:
    """Every picture below `folder`, sorted; RheostatError `bad-picture` if there is none."""
    if not folder.is_dir():
        raise RheostatError("bad-picture", f"{folder} is no folder.", "Name a folder of pictures.")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        known = ", ".join(sorted(SUFFIXES))
        raise RheostatError(
            "bad-picture", f"{folder} holds no picture.", f"Files ending in {known} are read."
        )
    return paths


def read_rgb(path: Path) -> Tensor:
    """A picture as 8-bit RGB, uint8 (3, H, W); RheostatError `bad-picture` if it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.mode in ("I", "F"):
                raise RheostatError(
                    "bad-picture",
                    f"{path} has values of 32 bits; which of them is white is not known.",
                    "Save it with 8 or 16 bits for a value, or remove it.",
                )
            pixels = np.array(image if image.mode.startswith("I;16") else image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RheostatError(
            "bad-picture", f"{path} cannot be read: {error}.", "Replace or remove the file."
        ) from error
    if pixels.ndim == 2:  # grey of 16 bits, which `convert` would cut off at 255
        grey = np.rint(pixels / np.float32(257)).astype(np.uint8)
        pixels = np.stack((grey, grey, grey), axis=2)
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_all(paths: Sequence[Path]) -> list[Tensor]:
    """`read_rgb` for every path, in order, on a few threads."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(read_rgb, paths))


def to_float(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in 0..1."""
    return pixels.float().div_(LEVELS)


class Crops:
    """Random square crops, turned and mirrored; a picture's chance is its area."""

    def __init__(self, pictures: Sequence[Tensor], size: int) -> None:
        """Pictures smaller than `size` on a side are left out."""
        self.size = size
        self.pictures = [p for p in pictures if min(p.shape[1:]) >= size]
        if not self.pictures:
            raise RheostatError(
                "bad-picture",
                f"Of {len(pictures)} pictures none is at least {size} × {size} pixels.",
                "Use larger pictures or a smaller patch in the recipe.",
            )
        self.areas = torch.tensor([float(p.shape[1] * p.shape[2]) for p in self.pictures])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` crops as float32 (count, 3, size, size) in 0..1."""
        chosen = torch.multinomial(self.areas, count, replacement=True, generator=generator)
        places = torch.rand(count, 2, generator=generator)
        turns = torch.randint(8, (count,), generator=generator)
        crops = [
            self._crop(self.pictures[i], place, int(turn))
            for i, place, turn in zip(chosen.tolist(), places, turns, strict=True)
        ]
        return to_float(torch.stack(crops))

    def _crop(self, picture: Tensor, place: Tensor, turn: int) -> Tensor:
        top, left = (
            int(p * (side - self.size + 1))
            for p, side in zip(place.tolist(), picture.shape[1:], strict=True)
        )
        crop = picture[:, top : top + self.size, left : left + self.size]
        crop = torch.rot90(crop, turn % 4, (1, 2))
        return crop.flip(2) if turn >= 4 else crop


def centre(picture: Tensor, size: int) -> Tensor:
    """The middle `size` × `size` of a picture, or all of a smaller side, cut to multiples of 8."""
    height, width = (min(side, size) // 8 * 8 for side in picture.shape[1:])
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    return picture[:, top : top + height, left : left + width]
