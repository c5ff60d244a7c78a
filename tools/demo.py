"""`make demo`: a photograph, known noise, a real daemon, four positions of the sliders."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_gaussian_noise
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

REPOSITORY = Path(__file__).parents[1]
PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"
SIGMA = 25.0
POSITIONS = ((10, 0.0), (25, 0.0), (25, 1.0), (50, 0.0))  # (noise, detail)
LABEL = 24  # pixels above each picture


def main() -> None:
    """Write demo/sheet.png and say where it is."""
    folder = REPOSITORY / "demo"
    folder.mkdir(exist_ok=True)
    clean = to_float(read_rgb(PHOTOGRAPH))[None, :, :384, 64:448]
    noisy = add_gaussian_noise(clean, torch.tensor([SIGMA]), torch.Generator().manual_seed(0))
    before = folder / "noisy.png"
    write(noisy, before)
    pictures = [("original", clean), (f"with noise of {SIGMA:g} levels", load(before))]
    with own_daemon():
        for noise, detail in POSITIONS:
            after = folder / f"noise-{noise}-detail-{detail:g}.png"
            filter_picture(before, after, noise=noise, detail=detail)
            pictures.append((f"noise {noise}, detail {detail:g}", load(after)))
    sheet = folder / "sheet.png"
    write_sheet(pictures, clean, sheet)
    print(f"Before and after, side by side: {sheet.relative_to(REPOSITORY)}")


@contextmanager
def own_daemon() -> Iterator[None]:
    """Commands talk to a daemon of these sources, which is stopped; the user's own stays."""
    with tempfile.TemporaryDirectory() as runtime:
        os.environ["RHEOSTAT_RUNTIME_DIR"] = runtime
        try:
            yield
        finally:
            rheostat("stop")


def filter_picture(before: Path, after: Path, **controls: float) -> None:
    """Run the command an artist would type; the daemon is started when it is not running."""
    values = [word for name, value in controls.items() for word in ("--set", f"{name}={value:g}")]
    rheostat("filter", "denoise", str(before), str(after), "--overwrite", *values)


def rheostat(*words: str) -> None:
    """Run the `rheostat` command and show it."""
    print("rheostat", *(w.removeprefix(f"{REPOSITORY}/") for w in words), flush=True)
    subprocess.run([sys.executable, "-m", "rheostatd", *words], check=True)


def load(path: Path) -> Tensor:
    """A picture as float32 (1, 3, H, W)."""
    return to_float(read_rgb(path))[None]


def write(picture: Tensor, path: Path) -> None:
    """Write (1, 3, H, W) as an 8-bit PNG."""
    as_image(picture).save(path)


def as_image(picture: Tensor) -> Image.Image:
    """(1, 3, H, W) in 0..1 as a Pillow image."""
    pixels = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(pixels.numpy())


def write_sheet(pictures: list[tuple[str, Tensor]], clean: Tensor, path: Path) -> None:
    """Three pictures a row, each with its name and its PSNR against `clean`."""
    height, width = clean.shape[2:]
    rows = -(-len(pictures) // 3)
    sheet = Image.new("RGB", (3 * width, rows * (height + LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, picture) in enumerate(pictures):
        left, top = index % 3 * width, index // 3 * (height + LABEL)
        psnr = float(peak_signal_noise_ratio(picture.clamp(0, 1), clean, data_range=1.0))
        text = name if picture is clean else f"{name}: {psnr:.2f} dB"
        draw.text((left + 6, top + 4), text, fill="black", font_size=14)
        sheet.paste(as_image(picture), (left, top + LABEL))
    sheet.save(path)


if __name__ == "__main__":
    main()
