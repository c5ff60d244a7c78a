"""`python -m benchmarks.stress MINUTES`: many programs at once, none of them well behaved.

Each draws models, sliders, regions and purposes at random, cancels some jobs, leaves in the middle
of others, and uploads pictures of its own. Every job that was not cancelled must answer with its
pixels. At the end the daemon must have no job left, and its memory is printed minute by minute.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rheostat_client.connection import Connection
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Render
from rheostat_client.models import ModelInfo
from rich.console import Console
from rich.table import Table

# Budgets are small, so that memory has reached its height after a minute and may not grow then.
BUDGETS = ["--picture-memory", "0.1", "--cache-memory", "0.1"]
START = [sys.executable, "-m", "rheostatd", "serve", *BUDGETS]
PROGRAMS = 8
SIDE = 320  # pixels
PATIENCE = 60.0  # seconds in which a daemon without programs must have ended its jobs


class Program(threading.Thread):
    """One program: it does things until `over`, and counts what came of them."""

    def __init__(self, seed: int, over: threading.Event) -> None:
        super().__init__(name=f"program {seed}")
        self.random = random.Random(seed)
        self.over = over
        self.counts: Counter[str] = Counter()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Connect, work a while, leave, and come back."""
        try:
            while not self.over.is_set():
                with Connection.open(START, name=self.name) as daemon:
                    self._visit(daemon)
        except BaseException as error:
            self.failure = error
            self.over.set()

    def _visit(self, daemon: Connection) -> None:
        models = daemon.models()
        width, height = (self.random.randint(1, SIDE) for _ in range(2))
        pixels = self.random.randbytes(width * height * 4)
        hash = daemon.upload(pixels, "rgba8", width, height)
        for _ in range(self.random.randint(1, 30)):
            if self.over.is_set():
                return
            model = self.random.choice(models)
            if self.random.random() < 0.05:  # leave in the middle of a job
                values = self._values(model)
                daemon.submit(Render(f"left-{self.random.random()}", model.id, hash, values))
                self.counts["left"] += 1
                return
            self._render(daemon, model, hash, width, height)

    def _render(
        self, daemon: Connection, model: ModelInfo, hash: str, width: int, height: int
    ) -> None:
        x, y = self.random.randrange(width), self.random.randrange(height)
        region = (x, y, self.random.randint(1, width - x), self.random.randint(1, height - y))
        deadline = time.monotonic() + self.random.choice((0.05, 600.0, 600.0))
        try:
            result = daemon.render(
                hash,
                model.id,
                self._values(model),
                region=region,
                purpose=self.random.choice(("preview", "preview", "apply", "batch")),
                should_cancel=lambda: time.monotonic() > deadline,
            )
        except RheostatError as error:
            if error.code != "cancelled":
                raise
            self.counts["cancelled"] += 1
            return
        if len(result.pixels) != region[2] * region[3] * 4 * model.scale**2:
            raise AssertionError(f"{len(result.pixels)} bytes for {region}")
        self.counts["rendered"] += 1

    def _values(self, model: ModelInfo) -> dict[str, float]:
        def value(control: Control) -> float:
            ends = (control.soft[0], control.soft[1], control.default)
            anywhere = self.random.uniform(*control.soft)
            return self.random.choice((*ends, anywhere, anywhere))

        return {control.id: value(control) for control in model.controls}


def stress(seconds: float) -> tuple[Counter[str], list[tuple[int, int]]]:
    """Run the programs; counts of what happened, and the daemon's bytes after so many renders.

    Raises what a program met that should not happen, AssertionError if jobs are left over.
    """
    over = threading.Event()
    programs = [Program(seed, over) for seed in range(PROGRAMS)]
    memory: list[tuple[int, int]] = []
    try:
        with Connection.open(START) as daemon:
            for program in programs:
                program.start()
            end = time.monotonic() + seconds
            while not over.wait(min(60.0, seconds / 4)) and time.monotonic() < end:
                memory.append(_look(programs, daemon))
            over.set()
            for program in programs:
                program.join()
            failures = [program.failure for program in programs if program.failure]
            if failures:
                raise failures[0]
            _wait_until_idle(daemon)
            memory.append(_look(programs, daemon))
            daemon.shutdown()
    finally:
        over.set()
        # What failed is to be told, and not that a daemon cannot be stopped after it.
        with contextlib.suppress(RheostatError), Connection.open() as left:
            left.shutdown()
    return sum((program.counts for program in programs), Counter()), memory


def main(arguments: Sequence[str]) -> None:
    """Print the counts and the memory."""
    minutes = float(arguments[0]) if arguments else 1.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RHEOSTAT_RUNTIME_DIR"] = folder
        counts, memory = stress(60 * minutes)
    table = Table("what", "how often", title=f"{PROGRAMS} programs, {minutes:g} minutes")
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    Console().print(table)
    sizes = ", ".join(f"{size / 2**20:.0f} ({renders})" for renders, size in memory)
    print(f"daemon, MiB after so many renders, every minute and at the end: {sizes}")


def _wait_until_idle(daemon: Connection) -> None:
    deadline = time.monotonic() + PATIENCE
    while any((jobs := daemon.status()["jobs"]).values()):
        assert time.monotonic() < deadline, f"jobs are left: {jobs}"
        time.sleep(0.1)


def _look(programs: Sequence[Program], daemon: Connection) -> tuple[int, int]:
    renders = sum(program.counts["rendered"] for program in programs)
    return renders, _resident(daemon.welcome.pid)


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(sys.argv[1:])
