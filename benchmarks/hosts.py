"""What benchmarks in real host programs share: pictures, models, the table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))
from packages import write_package  # noqa: E402

RESULTS = Path(__file__).parent / "results"
SIZES = {1: (1000, 1000), 12: (4000, 3000), 24: (6000, 4000)}  # by megapixels
MODELS = {"tiny": "Tiny", "denoise": "Denoise"}
TINY = "`tiny` is a network of nearly no work: what {}, the plug-in and the way to the daemon take."


def write_models(folder: Path) -> Path:
    """The MODELS in a new folder."""
    write_package(folder, "tiny")
    (folder / "denoise").symlink_to(REPOSITORY / "models" / "zoo" / "denoise")
    return folder


def write_picture(path: Path, width: int, height: int) -> Path:
    """A photograph, repeated until it is so large."""
    small = imagecodecs.png_decode((REPOSITORY / "tests" / "hosts" / "coffee.png").read_bytes())
    times = (-(-height // small.shape[0]), -(-width // small.shape[1]), 1)
    large = np.ascontiguousarray(np.tile(small, times)[:height, :width])
    path.write_bytes(imagecodecs.png_encode(large, level=1))
    return path


def show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Print a table, and give it as lines of Markdown."""
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    return [
        "| " + " | ".join(headings) + " |",
        "|" + "---|" * len(headings),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
