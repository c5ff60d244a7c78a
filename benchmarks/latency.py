"""`python -m benchmarks.latency`: from a moved slider to pixels, through real client and daemon.

The bare forward pass is the same network, baked, in the precision the daemon uses, on the same
region in one piece, with pixels in and out of the network as they are. It takes turns with the
previews. Pixels are uploaded already. Under load, another program has a batch of 12 megapixels
rendered all the while.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from rheostat.package import find_packages, read_package
from rheostat_client.connection import Connection, Region
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error, Render
from rheostatd.precision import choose
from rich.console import Console
from rich.table import Table

from .machine import commit, machine

RESULT = Path(__file__).parent / "results" / "latency.md"
SIDE = 1024
SMALL = (256, 256, 256, 256)  # the region of a preview under load
ROUNDS = 20
MODEL = "denoise"
HEADINGS = ("what", "p50, ms", "p95, ms", "of the bare pass")


def main() -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RHEOSTAT_RUNTIME_DIR"] = folder
        with Connection.open([sys.executable, "-m", "rheostatd", "serve"]) as daemon:
            pixels = random.Random(0).randbytes(3 * SIDE * SIDE)
            bench = Bench(daemon, daemon.upload(pixels, "rgb8", SIDE, SIDE))
            alone, loaded = bench.alone(), bench.loaded()
            daemon.shutdown()
    bare = float(np.median(alone["bare forward pass"]))
    cells = [
        (
            name,
            f"{1000 * np.median(times):.1f}",
            f"{1000 * np.quantile(times, 0.95):.1f}",
            f"{np.median(times) / bare:.2f}" if name in alone and "256²" not in name else "",
        )
        for name, times in (alone | loaded).items()
    ]
    table = Table(*HEADINGS, title=machine())
    for row in cells:
        table.add_row(*row)
    Console().print(table)
    lines = ["# From a moved slider to pixels", ""]
    lines += [f"`python -m benchmarks.latency`, {machine()}, commit {commit()}, {ROUNDS} each.", ""]
    lines += [__doc__.split("\n\n", 1)[1].strip(), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


class Bench:
    """A daemon with a picture."""

    def __init__(self, daemon: Connection, hash: str) -> None:
        self.daemon, self.hash = daemon, hash
        self.fresh: Iterator[float] = (i / 10_000 for i in range(1, 10_000))  # no value twice

    def preview(self, noise: float, detail: float, region: Region | None = None) -> None:
        """Render and wait."""
        controls = {"noise": noise, "detail": detail}
        self.daemon.render(
            self.hash,
            MODEL,
            controls,
            region=region,
            purpose="preview",
        )

    def alone(self) -> dict[str, list[float]]:
        """Seconds of previews on a daemon that has nothing else to do."""
        bare = _bare()
        return _timed(
            {
                "bare forward pass": bare,
                "`noise` moved": lambda: self.preview(25 + next(self.fresh), 0),
                "`detail` moved": lambda: self.preview(25, next(self.fresh)),
                "a value seen before": lambda: self.preview(25, 0),
                "the picture itself (`noise` 0): transfer alone": lambda: self.preview(0, 0),
                "`noise` moved, region of 256²": lambda: self.preview(
                    25 + next(self.fresh), 0, SMALL
                ),
            }
        )

    def loaded(self) -> dict[str, list[float]]:
        """Seconds of previews, and of a cancel, while a batch runs."""
        with self._batch():
            rows = _timed(
                {
                    "`noise` moved, region of 256², under a batch": lambda: self.preview(
                        25 + next(self.fresh), 0, SMALL
                    )
                }
            )
        cancels = [self._cancel() for _ in range(ROUNDS)]
        return rows | {"a running job cancelled": cancels}

    @contextmanager
    def _batch(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=_keep_busy, args=(over,))
        thread.start()
        try:
            time.sleep(3)  # it has uploaded its picture and begun
            yield
        finally:
            over.set()
            thread.join()

    def _cancel(self) -> float:
        request = Render(
            "cancelled", MODEL, self.hash, {"noise": 30 + next(self.fresh), "detail": 0.0}
        )
        job = self.daemon.submit(request)
        time.sleep(0.15)
        start = time.perf_counter()
        self.daemon.cancel(job)
        while answer := self.daemon.receive(5):
            if isinstance(answer.message, Error):
                return time.perf_counter() - start
        raise TimeoutError("the job did not end")


def _keep_busy(over: threading.Event) -> None:
    width, height = 4000, 3000
    pixels = random.Random(1).randbytes(3 * width * height)
    with Connection.open(name="batch") as other:
        hash = other.upload(pixels, "rgb8", width, height)
        while not over.is_set():
            try:
                other.render(
                    hash,
                    MODEL,
                    {"noise": 40.0, "detail": 0.0},
                    purpose="batch",
                    should_cancel=over.is_set,
                )
            except RheostatError as error:
                if error.code != "cancelled":
                    raise


def _bare() -> Callable[[], None]:
    package = read_package(find_packages()[MODEL])
    network = package.load()
    dtype = choose(network, package, torch.device("cpu"))
    position = package.coordinates({"noise": 25.0, "camera": 0.0, "detail": 0.0})
    baked = network.bake(position).to(dtype)
    baked = baked.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode():
            baked(x)

    return run


def _timed(rows: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in rows}
    for round_ in range(ROUNDS + 1):
        for name, run in rows.items():
            start = time.perf_counter()
            run()
            if round_:  # the first warms caches and allocators
                found[name].append(time.perf_counter() - start)
    return found


if __name__ == "__main__":
    main()
