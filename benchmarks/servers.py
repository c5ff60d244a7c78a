"""`python -m benchmarks.servers`: the same work served by Rheostat, LitServe and Ray Serve.

All three run this project's renderer on the same network in the same precision, with the caches
off: what differs is how pictures and slider positions get to it and results back. LitServe and Ray
Serve are asked over HTTP, one worker each: with raw pixels both ways where the server takes them,
with base64 in JSON on the way in where it does not (LitServe). Latency: one program moves a slider
on one picture of a megapixel. Throughput: four programs, each with a picture of its own. The three
take turns by rounds.

Needs `pip install rheostat[bench]`.
"""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from rheostat_client.connection import Connection
from rich.console import Console
from rich.table import Table

from .machine import commit, machine
from .served import MODEL, SIDE

RESULT = Path(__file__).parent / "results" / "servers.md"
BYTES = 3 * SIDE * SIDE
LATENCY, THROUGHPUT = 15, 4  # requests a round and program
PROGRAMS = 4
ROUNDS = 2
HEADINGS = ("server", "latency p50, ms", "p95, ms", "pictures a second, four programs")

Ask = Callable[[float], bytes]  # a slider position -> pixels


def main() -> None:
    """Measure, print and write."""
    with ExitStack() as stack:
        programs = {
            "Rheostat": stack.enter_context(_ours()),
            "Rheostat, picture uploaded each time": stack.enter_context(_ours(keep=False)),
            **{name: stack.enter_context(_theirs(name)) for name in THEIRS},
        }
        latencies: dict[str, list[float]] = {name: [] for name in programs}
        rates: dict[str, list[float]] = {name: [] for name in programs}
        fresh = (10 + number / 1000 for number in range(40_000))
        for round_ in range(1 + ROUNDS):
            for name, make in programs.items():
                times, rate = _latency(make, fresh), _throughput(make, fresh)
                if round_:  # the first warms up
                    latencies[name] += times
                    rates[name].append(rate)
    cells = [
        (
            name,
            f"{1000 * np.median(times):.0f}",
            f"{1000 * np.quantile(times, 0.95):.0f}",
            f"{max(rates[name]):.2f}",
        )
        for name, times in latencies.items()
    ]
    table = Table(*HEADINGS, title=machine())
    for row in cells:
        table.add_row(*row)
    Console().print(table)
    lines = ["# Served by others", ""]
    lines += [f"`python -m benchmarks.servers`, {machine()}, commit {commit()}.", ""]
    lines += [_versions(), "", __doc__.split("\n\n")[1], ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    RESULT.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _latency(make: Callable[[int], Ask], fresh: Iterator[float]) -> list[float]:
    ask, times = make(0), []
    for _ in range(LATENCY):
        start = time.perf_counter()
        assert len(ask(next(fresh))) == BYTES
        times.append(time.perf_counter() - start)
    return times


def _throughput(make: Callable[[int], Ask], fresh: Iterator[float]) -> float:
    """Pictures a second."""
    gate = threading.Barrier(PROGRAMS + 1)

    def work(number: int) -> None:
        ask = make(1 + number)
        values = [next(fresh) for _ in range(THROUGHPUT)]
        gate.wait()
        for value in values:
            ask(value)
        gate.wait()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(PROGRAMS)]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    gate.wait()
    return PROGRAMS * THROUGHPUT / (time.perf_counter() - start)


def _picture(seed: int) -> bytes:
    return random.Random(seed).randbytes(BYTES)


@contextmanager
def _ours(keep: bool = True) -> Iterator[Callable[[int], Ask]]:
    command = [sys.executable, "-m", "rheostatd", "serve", "--cache-memory", "0"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RHEOSTAT_RUNTIME_DIR"] = folder
        first = Connection.open(command)
        here = os.environ["RHEOSTAT_RUNTIME_DIR"]

        def make(seed: int) -> Ask:
            os.environ["RHEOSTAT_RUNTIME_DIR"] = here
            connection = Connection.open(command)
            pixels = _picture(seed)
            hash = connection.upload(pixels, "rgb8", SIDE, SIDE)

            def ask(noise: float) -> bytes:
                name = hash
                if not keep:  # one pixel is another: the daemon does not know the picture
                    other = int(noise * 1000).to_bytes(3, "big") + pixels[3:]
                    name = connection.upload(other, "rgb8", SIDE, SIDE)
                return connection.render(name, MODEL, {"noise": noise, "detail": 0.0}).pixels

            return ask

        yield make
        os.environ["RHEOSTAT_RUNTIME_DIR"] = here
        first.shutdown()


@contextmanager
def _theirs(name: str) -> Iterator[Callable[[int], Ask]]:
    module, port, post = THEIRS[name]
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.served.{module}", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}/predict"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                post(address, 20.0, _picture(0))
                break
            except OSError:
                assert process.poll() is None, f"{name} has ended"
                assert time.monotonic() < deadline, f"{name} does not answer"
                time.sleep(1)

        def make(seed: int) -> Ask:
            pixels = _picture(seed)
            return lambda noise: post(address, noise, pixels)

        yield make
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _post_raw(address: str, noise: float, pixels: bytes) -> bytes:
    headers = {"x-noise": str(noise), "content-type": "application/octet-stream"}
    return _post(urllib.request.Request(address, pixels, headers))


def _post_json(address: str, noise: float, pixels: bytes) -> bytes:
    body = json.dumps({"noise": noise, "pixels": base64.b64encode(pixels).decode()}).encode()
    return _post(urllib.request.Request(address, body, {"content-type": "application/json"}))


def _post(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


Post = Callable[[str, float, bytes], bytes]
THEIRS: dict[str, tuple[str, int, Post]] = {
    "LitServe": ("by_litserve", 8917, _post_json),
    "Ray Serve": ("by_ray", 8918, _post_raw),
}


def _versions() -> str:
    from importlib.metadata import version

    return f"LitServe {version('litserve')}, Ray {version('ray')}."


if __name__ == "__main__":
    main()
