"""`tools/hosts screenshots [gimp] [krita]`: docs/images/gimp-*.png and krita-*.png, as they are."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))
from hosts.rig import Gimp, Krita, virtual_screen  # noqa: E402

IMAGES = REPOSITORY / "docs" / "images"
SIGMA = 25  # of the noise, in 8-bit levels


def main() -> None:
    """Filter a photograph, with noise we know, as a person would; in both programs by default."""
    programs = sys.argv[1:] or ["gimp", "krita"]
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as display:
        picture = Path(folder) / "astronaut.png"
        add_noise(IMAGES / "astronaut.png", picture)
        if "gimp" in programs:
            shoot_gimp(Path(folder), display, picture)
        if "krita" in programs:
            shoot_krita(Path(folder), display, picture)


def shoot_gimp(home: Path, display: str, picture: Path) -> None:
    """The dialogs, and a result."""
    gimp = Gimp(home, REPOSITORY / "models" / "zoo")
    gimp.install()
    gimp.run(
        "shots",
        display=display,
        picture=str(picture),
        key=gimp.shortcut("denoise"),
        retune=gimp.shortcut("retune"),
        model="Denoise",
        noise=str(SIGMA),
        shots=str(IMAGES),
    )
    gimp.rheostat("stop")


def shoot_krita(home: Path, display: str, picture: Path) -> None:
    """The docker, and a result."""
    krita = Krita(home, REPOSITORY / "models" / "zoo")
    krita.install()
    krita.run("shots", display=display, picture=str(picture), shots=str(IMAGES))
    krita.rheostat("stop")


def add_noise(clean: Path, noisy: Path) -> None:
    """Write the picture with Gaussian noise, the same at every run."""
    pixels = np.asarray(Image.open(clean).convert("RGB"), dtype=np.float64)
    pixels = pixels + np.random.default_rng(0).normal(0, SIGMA, pixels.shape)
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(noisy)


if __name__ == "__main__":
    main()
