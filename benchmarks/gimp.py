"""`tools/hosts bench`: from a key that moves a slider to pixels on the screen, in real GIMP.

The picture is a photograph, repeated, fitted into GIMP's window on a virtual screen; what is looked
at is the middle of the picture, in which the preview begins.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from .hosts import MODELS, RESULTS, SIZES, TINY, show, write_models, write_picture
from .machine import machine

from hosts.rig import Gimp, virtual_screen  # isort: skip  # .hosts says where it is

MOVES = 12
HEADINGS = ("model", "MP", "dialog, s", "first preview, s", "p50, ms", "max, ms", "plug-in, MB")


def main() -> None:
    """Measure, print and write."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as display:
        home = Path(folder) / "home"
        home.mkdir()
        gimp = Gimp(home, write_models(Path(folder) / "models"))
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


def report(rows: list[tuple[str, ...]]) -> None:
    """Print the table and write the file."""
    lines = [
        "# From a moved slider to pixels on GIMP's canvas",
        "",
        f"`tools/hosts bench`, GIMP 3.0.4, {machine()}, {MOVES} moves each.",
        "",
        "From the key that sets a value to other pixels in the middle of the screen, where the "
        "preview begins.",
        TINY.format("GIMP"),
        "`first preview` is counted from the dialog on: the picture is read, sent and filtered.",
        "`plug-in` is the most memory its process had.",
        "",
        *show(HEADINGS, rows),
    ]
    (RESULTS / "gimp.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
