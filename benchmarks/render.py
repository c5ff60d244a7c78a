"""`make bench`: where the time of a render goes. Ratios count; absolute times are this machine's.

Every row is the best of `ROUNDS`, and the rounds take turns, so that a busy moment hits all rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import torch
from rheostat.package import find_packages, read_package
from rheostat_client.connection import Connection
from rheostat_client.pixels import pixel_format
from rheostatd.raster import Picture
from rheostatd.renderer import Renderer
from rheostatd.view import View
from rich.console import Console
from rich.table import Table

SIDE = 1024
ROUNDS = 3
TILES = (128, 256, 512, 1024)
CONTROLS = {"noise": 25.0, "detail": 0.0}


def main() -> None:
    """Measure and print."""
    package = read_package(find_packages()["denoise"])
    network = package.load()
    form = pixel_format("rgb8")
    pixels = torch.randint(256, (form.size(SIDE, SIDE),), dtype=torch.uint8).numpy().tobytes()
    picture = Picture(form, SIDE, SIDE, pixels)
    renderers = {tile: Renderer(tile=tile) for tile in TILES}
    coordinates = package.coordinates(CONTROLS)
    plain = network.bake(coordinates).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    view = View(package, picture, CONTROLS)
    x = torch.rand(1, 3, SIDE, SIDE).to(renderers[512].device, memory_format=torch.channels_last)

    def rendered(tile: int) -> None:
        for _ in renderers[tile].render(network, view, picture.box):
            pass

    rows: dict[str, Callable[[], object]] = {
        "bake λ": lambda: network.bake(coordinates),
        "baked network, whole": lambda: _run(plain, x),
        "dynamic network, whole": lambda: _run(network, x, coordinates[None].to(x.device)),
        **{f"renderer, tiles of {tile}": partial(rendered, tile) for tile in TILES},
    }
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RHEOSTAT_RUNTIME_DIR"] = folder
        with Connection.open([sys.executable, "-m", "rheostatd", "serve"]) as daemon:
            hash = daemon.upload(pixels, "rgb8", SIDE, SIDE)
            fresh = (i / 10_000 for i in range(1, 10_000))  # never the same value twice

            def preview(controls: dict[str, float]) -> None:
                daemon.render(hash, package.info.id, controls, purpose="preview")

            rows["daemon, noise moved"] = lambda: preview({"noise": 25 + next(fresh)})
            rows["daemon, detail moved"] = lambda: preview({"noise": 25, "detail": next(fresh)})
            rows["daemon, a value seen before"] = lambda: preview(CONTROLS)
            times = _measure(rows)
            daemon.shutdown()
    _print(times, renderers[512].name)


def _run(network: torch.nn.Module, *inputs: torch.Tensor) -> None:
    with torch.inference_mode():
        network(*inputs)
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _measure(rows: dict[str, Callable[[], object]]) -> dict[str, float]:
    best = dict.fromkeys(rows, float("inf"))
    for round_ in range(ROUNDS + 1):
        for name, run in rows.items():
            start = time.perf_counter()
            run()
            if round_:  # the first warms caches and allocators
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def _print(times: dict[str, float], device: str) -> None:
    table = Table("what", "ms", "of the baked network", title=f"{SIDE} × {SIDE}, rgb8, {device}")
    for name, seconds in times.items():
        ratio = seconds / times["baked network, whole"]
        table.add_row(name, f"{seconds * 1000:.1f}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
