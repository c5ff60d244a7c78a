"""`tools/hosts bench krita`: from a dragged slider to pixels on the canvas, in real Krita.

The picture is a photograph, repeated, on a virtual screen; what is looked at is the middle of the
picture, in which the preview begins. Then how long Krita stands still when a layer comes.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from .hosts import MODELS, RESULTS, SIZES, TINY, show, write_models, write_picture
from .machine import machine

from hosts.rig import Krita, virtual_screen  # isort: skip  # .hosts says where it is

MEGAPIXELS = (1, 12)
DRAGS = 20
LAYERS = 4
DRAGGED = ("model", "MP", "first preview, s", "p50, ms", "p95, ms", "last of five, ms", "stays")
ADDED = ("who adds a layer", "median, ms", "max, ms")

Rows = list[tuple[str, ...]]


def main() -> None:
    """Measure, print and write."""
    dragged: Rows = []
    with tempfile.TemporaryDirectory() as folder, virtual_screen() as display:
        home = Path(folder) / "home"
        home.mkdir()
        krita = Krita(home, write_models(Path(folder) / "models"))
        krita.install()
        krita.rheostat("models")  # so that the daemon runs
        pictures = {m: write_picture(Path(folder) / f"{m}.png", *SIZES[m]) for m in MEGAPIXELS}
        for model in MODELS:
            for megapixels, picture in pictures.items():
                dragged.append((model, str(megapixels), *drag(krita, display, picture, model)))
                print(*dragged[-1], flush=True)
        added = add(krita, display, pictures[MEGAPIXELS[-1]])
        krita.rheostat("stop")
    report(dragged, added)


def drag(krita: Krita, display: str, picture: Path, model: str) -> tuple[str, ...]:
    """The numbers of a row: one model's slider over one picture."""
    seen = krita.run("large", display=display, picture=str(picture), model=model, drags=DRAGS)
    later = [1000 * seconds for seconds in seen["later"]]
    return (
        f"{seen['first']:.2f}",
        f"{statistics.median(later):.0f}",
        f"{statistics.quantiles(later, n=20)[-1]:.0f}",
        f"{1000 * seen['last']:.0f}",
        "yes" if seen["is last"] else "no",
    )


def add(krita: Krita, display: str, picture: Path) -> Rows:
    """How long Krita's loop stands still, at most, when a layer comes."""
    seen = krita.run("turns", display=display, picture=str(picture), times=LAYERS)
    return [
        (who, f"{1000 * statistics.median(gaps):.0f}", f"{1000 * max(gaps):.0f}")
        for who, gaps in seen.items()
    ]


def report(dragged: Rows, added: Rows) -> None:
    """Print the tables and write the file."""
    lines = [
        "# From a dragged slider to pixels on Krita's canvas",
        "",
        f"`tools/hosts bench krita`, Krita 5.2.9, {machine()}, {DRAGS} drags each.",
        "",
        "From the pointer's move, with the button down on the slider's handle, to the end of the "
        "painting of other pixels in the middle of the overlay, where the preview begins.",
        TINY.format("Krita"),
        "`first preview` is from the first drag on: the layer is read, sent and filtered.",
        "`last of five` is from the last of five drags, 30 ms apart, to the last pixels that come "
        "there; `stays` says whether these are those of that value, asked for calmly.",
        "",
        *show(DRAGGED, dragged),
        "",
        f"# How long Krita stands still when a layer of {MEGAPIXELS[-1]} megapixels comes",
        "",
        f"The longest time without a turn of Krita's event loop, {LAYERS} times each. A layer that "
        "comes, even an empty one, has Krita compose the whole picture and draw the canvas (here "
        "without a GPU). A script cannot add one without that.",
        "",
        *show(ADDED, added),
    ]
    (RESULTS / "krita.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
