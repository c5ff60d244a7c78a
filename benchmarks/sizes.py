"""`python -m benchmarks.sizes`: the renderer against the bare network, from 0.25 to 100 megapixels.

The bare network is the same, baked, in the same precision, on one tile of the size at which it is
fastest (128, 256 or 512 pixels), which stays in the caches, without context around it, scaled by
the number of pixels: nothing is faster. Between the strips of a render it is timed again, and
again, so that both meet the same machine, whose speed changes by the second. One process per size;
its largest memory is read at its end.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from rheostat.nets import Baked
from rheostat.package import Package, find_packages, read_package
from rheostat_client.pixels import PixelFormat, pixel_format
from rheostatd.raster import Picture
from rheostatd.renderer import Renderer
from rheostatd.view import View
from rich.console import Console
from rich.table import Table

from .machine import commit, machine

RESULT = Path(__file__).parent / "results" / "sizes.md"
MEGAPIXELS = (0.25, 1, 4, 12, 24, 50, 100)
TILES = (128, 256, 512)  # pixels
ROUNDS = 5  # in which they are compared, by turns
CONTROLS = {"noise": 25.0, "camera": 0.0, "detail": 0.0}
BLOCK = 3.0  # seconds of rendering between two passes of the bare network
LEAST = 18.0  # seconds to render, in as many rounds as that takes
HEADINGS = ("megapixels", "precision", "ms per MP", "of the bare network's speed", "MiB above")


def main() -> None:
    """Measure every size in a process of its own; print the table and write it."""
    rows = [_measured(size) for size in MEGAPIXELS]
    cells = [
        (
            f"{row['megapixels']:g}",
            str(row["precision"]),
            f"{1000 * row['seconds'] / row['megapixels']:.0f}",
            f"{row['bare'] / row['seconds']:.2f}",
            f"{row['memory'] / 2**20:.0f}",
        )
        for row in rows
    ]
    table = Table(*HEADINGS, title=machine())
    for row_cells in cells:
        table.add_row(*row_cells)
    Console().print(table)
    slope, start = np.polyfit([r["megapixels"] for r in rows], [r["seconds"] for r in rows], 1)
    fit = f"Fit: {1000 * slope:.0f} ms per megapixel and {1000 * start:.0f} ms besides."
    print(fit)
    lines = ["# The renderer from 0.25 to 100 megapixels", ""]
    lines += [f"`python -m benchmarks.sizes`, {machine()}, commit {commit()}.", ""]
    lines += [__doc__.split("\n\n", 1)[1].strip(), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row_cells) + " |" for row_cells in cells]
    lines += ["", "MiB above: peak memory above the pixels, in and out, and the idle process."]
    lines += ["", fit, ""]
    RESULT.write_text("\n".join(lines), encoding="utf-8")


def _measured(megapixels: float) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sizes", str(megapixels)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _child(megapixels: float) -> None:
    package = read_package(find_packages()["denoise"])
    network = package.load()
    renderer = Renderer(precision="auto", cache=0)
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(megapixels * 1e6 / width)
    form = pixel_format("rgb8")
    warm = _view(package, form, 256, 256)
    list(renderer.render(network, warm, warm.picture.box))
    dtype = renderer._dtype(network, package)
    baked = network.bake(package.coordinates(CONTROLS)).to(dtype)
    baked = baked.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    idle = _memory("VmRSS")
    x = _best(baked)
    view = _view(package, form, width, height)
    out = np.empty((height, width, 3), np.uint8)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak before
    seconds, rounds, since, bare = 0.0, 0, 0.0, list[float]()
    while seconds < LEAST:
        rounds, start = rounds + 1, time.perf_counter()
        for box, values in renderer.render(network, view, view.picture.box):
            out[box.within(view.picture.box)] = values
            taken = time.perf_counter() - start
            seconds, since = seconds + taken, since + taken
            if since >= BLOCK:
                since = 0.0
                _bare(baked, x)  # brings it back into the caches
                bare.append(_bare(baked, x))
            start = time.perf_counter()
        seconds += time.perf_counter() - start
    pixels = width * height
    print(
        json.dumps(
            {
                "megapixels": megapixels,
                "precision": str(dtype).removeprefix("torch."),
                "seconds": seconds / rounds,
                "bare": statistics.fmean(bare) * pixels,
                "memory": _memory("VmHWM") - idle - 6 * pixels,
            }
        )
    )


def _view(package: Package, form: PixelFormat, width: int, height: int) -> View:
    pixels = np.random.default_rng(0).bytes(form.size(width, height))
    return View(package, Picture(form, width, height, pixels), CONTROLS)


def _best(baked: Baked) -> torch.Tensor:
    """The tile (1, 3, side, side) whose pixels are the cheapest."""
    tiles = [torch.rand(1, 3, side, side) for side in TILES]
    tiles = [tile.contiguous(memory_format=torch.channels_last) for tile in tiles]
    rounds = [[_bare(baked, tile) for tile in tiles] for _ in range(ROUNDS + 1)][1:]
    means = [statistics.fmean(times) for times in zip(*rounds, strict=True)]
    return tiles[means.index(min(means))]


def _bare(baked: Baked, x: torch.Tensor) -> float:
    """Seconds for a pixel, of as many passes as make up the largest tile."""
    passes = max(TILES) ** 2 // x[0, 0].numel()
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(passes):
            baked(x)
    return (time.perf_counter() - start) / (passes * x[0, 0].numel())


def _memory(name: str) -> int:
    """Resident bytes of this process: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _child(float(sys.argv[1]))
    else:
        main()
