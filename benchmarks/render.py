"""`python -m benchmarks.render`: where the time of a render goes, and what the machine could do.

Everything is computed in the precision the daemon chooses on this machine, and all rows take turns,
so that a busy moment hits them all; the best of the rounds counts. The rate of matrix products is
the best of several shapes, among them those that the network's convolutions come down to. The plain
network has the same layers without ever having been tunable.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from rheostat.nets.restorer import Head, Restored, Trunk
from rheostat.package import find_packages, read_package
from rheostat_client.pixels import pixel_format
from rheostatd.precision import choose
from rheostatd.raster import Picture
from rheostatd.renderer import Renderer
from rheostatd.view import View
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from .machine import commit, machine

RESULT = Path(__file__).parent / "results" / "render.md"
MODEL = "denoise"
CONTROLS = {"noise": 25.0, "camera": 0.0, "detail": 0.0}
SIDE = 2048  # of the picture
TILES = (128, 256, 512)
SHAPES = ((2048, 2048, 2048), (4096, 1024, 4096), (65536, 576, 64), (16384, 576, 64))
ROUNDS = 5
HEADINGS = ("what", "ms", "GFLOP/s", "of the matrix products", "of the plain network")


def main() -> None:
    """Measure, print and write."""
    package = read_package(find_packages()[MODEL])
    network, renderer = package.load(), Renderer(precision="auto", cache=0)
    dtype = choose(network, package, renderer.device)
    coordinates = package.coordinates(CONTROLS).to(renderer.device)
    network = network.to(renderer.device)
    baked = _cast(network.bake(coordinates), dtype)
    config = package.manifest.architecture.config
    width, blocks, late = config["width"], config["blocks"], config["late"]
    plain = _cast(Restored(Trunk(width, blocks - late), Head(width, late), float("inf")), dtype)
    rows: dict[str, tuple[float, Callable[[], object]]] = {}
    for shape in SHAPES:
        rows["matrix product " + " × ".join(map(str, shape))] = _product(*shape, dtype, renderer)
    for tile in TILES:
        x = torch.rand(1, 3, tile, tile).to(renderer.device, memory_format=torch.channels_last)
        work = _work(plain, x)
        rows[f"plain network, tile of {tile}²"] = work, lambda x=x: plain(x)  # type: ignore[misc]
        rows[f"baked network, tile of {tile}²"] = work, lambda x=x: baked(x)  # type: ignore[misc]
    x = torch.rand(1, 3, 256, 256).to(renderer.device, memory_format=torch.channels_last)
    lam = coordinates[None]
    rows["tunable network in float32, tile of 256²"] = _work(plain, x), lambda: network(x, lam)
    pixels = torch.randint(256, (3 * SIDE * SIDE,), dtype=torch.uint8).numpy().tobytes()
    picture = Picture(pixel_format("rgb8"), SIDE, SIDE, pixels)
    view = View(package, picture, CONTROLS)
    whole = _work(plain, x) * (SIDE / 256) ** 2

    def render() -> None:
        for _ in renderer.render(network, view, picture.box):
            pass

    rows[f"renderer, {SIDE}² pixels, no halo counted"] = whole, render
    rows["bake λ"] = 0.0, lambda: network.bake(coordinates)
    _tell(_measured(rows), rows, str(dtype).removeprefix("torch."))


def _cast(network: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    network = network.eval().requires_grad_(False)
    return network.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _product(
    m: int, k: int, n: int, dtype: torch.dtype, renderer: Renderer
) -> tuple[float, Callable[[], Tensor]]:
    a, b = (torch.rand(size, dtype=dtype, device=renderer.device) for size in ((m, k), (k, n)))
    return 2.0 * m * k * n, lambda: a @ b


def _work(network: torch.nn.Module, x: Tensor) -> float:
    """Floating-point operations of a pass."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(x)
    return float(counter.get_total_flops())


@torch.inference_mode()
def _measured(rows: dict[str, tuple[float, Callable[[], object]]]) -> dict[str, float]:
    best = dict.fromkeys(rows, float("inf"))
    for round_ in range(ROUNDS + 1):
        for name, (_, run) in rows.items():
            start = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if round_:  # the first warms caches and allocators
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def _tell(
    times: dict[str, float], rows: dict[str, tuple[float, Callable[[], object]]], precision: str
) -> None:
    rates = {name: rows[name][0] / seconds for name, seconds in times.items()}
    product = max(rate for name, rate in rates.items() if name.startswith("matrix"))
    cells = []
    for name, seconds in times.items():
        twin = name.replace("baked", "plain")
        cells.append(
            (
                name,
                f"{1000 * seconds:.2f}",
                f"{rates[name] / 1e9:.0f}" if rates[name] else "",
                f"{rates[name] / product:.2f}" if rates[name] else "",
                f"{seconds / times[twin]:.2f}" if twin != name else "",
            )
        )
    table = Table(*HEADINGS, title=f"{MODEL}, {precision}, {machine()}")
    for row in cells:
        table.add_row(*row)
    Console().print(table)
    lines = ["# What a render could cost at least", ""]
    lines += [f"`python -m benchmarks.render`, {MODEL} in {precision}, {machine()}, "]
    lines += [f"commit {commit()}, best of {ROUNDS}.", "", __doc__.split("\n\n", 1)[1].strip(), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
