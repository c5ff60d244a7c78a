"""`tools/hosts screenshots`: docs/images/gimp-dialog.png and gimp-result.png, from real GIMP."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from demo import PHOTOGRAPH, REPOSITORY, SIGMA, write
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_gaussian_noise

sys.path.insert(0, str(REPOSITORY / "tests"))
from hosts.rig import Gimp, virtual_screen
from packages import ZOO


def main() -> None:
    """Filter the demo's photograph, with noise we know, as a person would."""
    images = REPOSITORY / "docs" / "images"
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as display:
        picture = Path(folder) / "astronaut.png"
        clean = to_float(read_rgb(PHOTOGRAPH))[None]
        noise = torch.Generator().manual_seed(0)
        write(add_gaussian_noise(clean, torch.tensor([SIGMA]), noise), picture)
        gimp = Gimp(Path(folder), ZOO)
        gimp.install()
        gimp.run(
            "screen",
            display=display,
            picture=str(picture),
            model="Denoise",
            noise=f"{SIGMA:g}",
            shots=str(images),
        )
        gimp.rheostat("stop")


if __name__ == "__main__":
    main()
