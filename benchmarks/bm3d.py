"""`python -m benchmarks.bm3d`: denoise against BM3D, the same noise, on six pictures of CBSD68.

BM3D (Dabov et al., 2007) in its authors' package `bm3d`, colour, profile `np`, told the true σ, as
`denoise` is at `detail` 0. Every twelfth picture; the noise is that of `rheostat evaluate`: not
clipped, drawn by the picture's number. Both run on all threads. BM3D is timed once, ours is the
best of three renders by the daemon's renderer in the precision it chooses, with nothing kept from
the one before and λ baked anew; the model was loaded before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import bm3d
import numpy as np
import torch
from rheostat.data import LEVELS, find_pictures, read_rgb, to_float
from rheostat.degradations import add_gaussian_noise
from rheostat.nets import Network
from rheostat.package import Package, find_packages, read_package
from rheostat_client.pixels import pixel_format
from rheostatd.raster import Picture, Values
from rheostatd.renderer import Renderer
from rheostatd.view import View
from rich.console import Console
from rich.progress import track
from rich.table import Table

from .machine import DATA, commit, machine

RESULT = Path(__file__).parent / "results" / "bm3d.md"
EVERY = 12
SIGMAS = (15.0, 25.0, 50.0)
OUR_ROUNDS = 3
HEADINGS = ("σ", "BM3D, dB", "denoise, dB", "gain, dB", "BM3D, s", "denoise, s", "times as fast")


def main() -> None:
    """Measure, print and write."""
    package = read_package(find_packages()["denoise"])
    renderer, network = Renderer(precision="auto"), package.load()
    renderer.warm(network, package)
    paths = list(enumerate(find_pictures(DATA / "test" / "CBSD68")))[::EVERY]
    sums = {sigma: np.zeros(4) for sigma in SIGMAS}
    for index, path in track(paths, console=Console(stderr=True)):
        clean = to_float(read_rgb(path))[None]
        for sigma in SIGMAS:
            generator = torch.Generator().manual_seed(index)
            noisy = add_gaussian_noise(clean, torch.tensor([sigma]), generator)
            pixels = noisy[0].permute(1, 2, 0).contiguous().numpy()
            wanted = clean[0].permute(1, 2, 0).numpy()

            def theirs(pixels: Values = pixels, sigma: float = sigma) -> Values:
                result: Values = bm3d.bm3d_rgb(pixels, sigma / LEVELS)
                return result

            def ours(pixels: Values = pixels, sigma: float = sigma) -> Values:
                return _render(package, network, renderer, pixels, sigma)

            slow, before = _timed(theirs, 1)
            quick, after = _timed(ours, OUR_ROUNDS)
            sums[sigma] += (_psnr(before, wanted), _psnr(after, wanted), slow, quick)
    _tell({sigma: total / len(paths) for sigma, total in sums.items()}, [p.stem for _, p in paths])


def _render(
    package: Package, network: Network, renderer: Renderer, pixels: Values, sigma: float
) -> Values:
    height, width = pixels.shape[:2]
    picture = Picture(pixel_format("rgb32f"), width, height, pixels.tobytes())
    view = View(package, picture, {"noise": sigma, "camera": 0.0, "detail": 0.0})
    renderer.rest()
    out = np.empty_like(pixels)
    for box, values in renderer.render(network, view, picture.box):
        out[box.within(picture.box)] = values
    return out


def _timed(run: Callable[[], Values], rounds: int) -> tuple[float, Values]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return min(times), result


def _psnr(result: Values, clean: Values) -> float:
    return float(-10 * np.log10(np.square(result.clip(0, 1) - clean).mean()))


def _tell(means: dict[float, Values], names: list[str]) -> None:
    rows = [
        (
            f"{sigma:g}",
            f"{before:.2f}",
            f"{after:.2f}",
            f"{after - before:+.2f}",
            f"{slow:.2f}",
            f"{quick:.3f}",
            f"{slow / quick:.0f}",
        )
        for sigma, (before, after, slow, quick) in means.items()
    ]
    table = Table(*HEADINGS, title=machine())
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    lines = ["# Denoise against BM3D", ""]
    lines += [f"`python -m benchmarks.bm3d`, {machine()}, commit {commit()}; pictures "]
    lines += [f"{', '.join(names)} of CBSD68, means of a picture of 481×321.", ""]
    lines += [(__doc__ or "").split("\n\n", 1)[1].strip(), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
