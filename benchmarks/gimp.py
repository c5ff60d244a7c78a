"""`tools/hosts bench`: from a key that moves a slider to pixels on the screen, in real GIMP.

The picture is a photograph, repeated, fitted into GIMP's window on a virtual screen; what is looked
at is the middle of the picture, in which the preview begins.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
from rich.console import Console
from rich.table import Table

from .machine import machine

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))
from hosts.rig import Gimp, virtual_screen  # noqa: E402
from packages import write_package  # noqa: E402

RESULT = Path(__file__).parent / "results" / "gimp.md"
SIZES = {1: (1000, 1000), 12: (4000, 3000), 24: (6000, 4000)}  # by megapixels
MOVES = 12
MODELS = {"tiny": "Tiny", "denoise": "Denoise"}
HEADINGS = ("model", "MP", "dialog, s", "first preview, s", "p50, ms", "max, ms", "plug-in, MB")


def main() -> None:
    """Measure, print and write."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as display:
        models, home = Path(folder) / "models", Path(folder) / "home"
        home.mkdir()
        write_package(models, "tiny")
        (models / "denoise").symlink_to(REPOSITORY / "models" / "zoo" / "denoise")
        gimp = Gimp(home, models)
        gimp.install()
        for model in MODELS:
            for megapixels in SIZES:
                picture = write_picture(Path(folder) / "picture.png", *SIZES[megapixels])
                gimp.rheostat("models")  # so that the daemon runs
                rows.append((model, str(megapixels), *measure(gimp, display, picture, model)))
        gimp.rheostat("stop")
    report(rows)


def measure(gimp: Gimp, display: str, picture: Path, model: str) -> tuple[str, ...]:
    """The numbers of one row."""
    values = [f"{10 + 4 * move}" for move in range(MOVES)]
    seen = gimp.run(
        "large",
        display=display,
        picture=str(picture),
        key=gimp.shortcut(model),
        model=MODELS[model],
        values=values,
    )
    later = [1000 * seconds for seconds in seen["later"]]
    return (
        f"{seen['dialog']:.2f}",
        f"{seen['first']:.2f}",
        f"{statistics.median(later):.0f}",
        f"{max(later):.0f}",
        f"{seen['memory'] / 1e6:.0f}",
    )


def write_picture(path: Path, width: int, height: int) -> Path:
    """A photograph, repeated until it is so large."""
    small = imagecodecs.png_decode((REPOSITORY / "tests" / "hosts" / "coffee.png").read_bytes())
    times = (-(-height // small.shape[0]), -(-width // small.shape[1]), 1)
    large = np.ascontiguousarray(np.tile(small, times)[:height, :width])
    path.write_bytes(imagecodecs.png_encode(large, level=1))
    return path


def report(rows: list[tuple[str, ...]]) -> None:
    """Print the table and write the file."""
    table = Table(*HEADINGS)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    lines = [
        "# From a moved slider to pixels on GIMP's canvas",
        "",
        f"`tools/hosts bench`, GIMP 3.0.4, {machine()}, {MOVES} moves each.",
        "",
        "From the key that sets a value to other pixels in the middle of the screen, where the "
        "preview begins.",
        "`tiny` is a network of nearly no work: what GIMP, the plug-in and the way to the daemon "
        "take.",
        "`first preview` is counted from the dialog on: the picture is read, sent and filtered.",
        "`plug-in` is the most memory its process had.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    RESULT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
