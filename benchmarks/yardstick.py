"""`python -m benchmarks.yardstick [STEPS]`: the style model against optimisation of each picture.

Optimisation (Gatys et al., CVPR 2016) changes the pixels of one photograph until its loss is least:
that many steps for a picture and painting. It is what a network that paints at once is measured
against: the same loss, the same pictures, at full strength. L-BFGS starts from the photograph. Five
photographs, the paintings by turns. A pass is one evaluation of the loss and its gradient; the last
column is after how many of them optimisation is as good as the network, which passes once, without
a gradient. Optima are kept in results/yardstick.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

import torch
from rheostat.data import read_rgb, to_float
from rheostat.package import find_packages, read_package
from rheostat.style import STYLE_WEIGHT, StyleLoss
from rheostat.tasks.style import PAINTINGS, StyleTask, measured, position
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from .machine import DATA, commit, machine

RESULTS = Path(__file__).parent / "results"
PHOTOGRAPHS = ("city", "dog", "flowers", "girl", "waves")  # of GB82, CC0
STEPS = 100


@dataclass(frozen=True)
class Optimum:
    """The total loss in the end, and the least one up to each evaluation of it."""

    least: float
    passes: list[float]

    def passes_to(self, loss: float) -> str:
        """How many passes get as low as `loss`."""
        reached = (number for number, least in enumerate(self.passes, start=1) if least <= loss)
        return str(next(reached, f"over {len(self.passes)}"))


def optimum(losses: StyleLoss, photograph: Tensor, painting: int, steps: int) -> Optimum:
    """What `steps` of L-BFGS reach from `photograph` (1, 3, H, W)."""
    content = losses.content(photograph)
    picture = photograph.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [picture],
        max_iter=steps,
        max_eval=2 * steps,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    seen: list[float] = []

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        loss = total(losses, picture, content, painting)
        loss.backward()  # type: ignore[no-untyped-call]
        seen.append(float(loss.detach()))
        return loss

    optimizer.step(evaluate)  # type: ignore[no-untyped-call]
    least = float(total(losses, picture.detach().clamp(0, 1), content, painting))
    passes = [round(loss, 4) for loss in accumulate(seen, min)]
    return Optimum(round(least, 4), passes)


def total(losses: StyleLoss, picture: Tensor, content: Tensor, painting: int) -> Tensor:
    """content + 40 · style of one painting, all layers alike."""
    found = losses(picture, content)
    loss: Tensor = found.content[0] + STYLE_WEIGHT * found.style[0, painting].sum()
    return loss


def main(arguments: Sequence[str]) -> None:
    """Compute what optima are missing, measure the network; print the table and write it."""
    steps = int(arguments[0]) if arguments else STEPS
    losses = StyleTask(DATA / "backbones").losses
    store = RESULTS / "yardstick.json"
    known = json.loads(store.read_text()) if store.exists() else {}
    optima = {key: Optimum(**found) for key, found in known.items()}
    pictures = {name: _photograph(name) for name in PHOTOGRAPHS}
    for name, number, key in track(_pairs(steps), "optimising"):
        if key not in optima:
            optima[key] = optimum(losses, pictures[name], number, steps)
            found = {key: asdict(optimum) for key, optimum in optima.items()}
            store.write_text(json.dumps(found) + "\n")
    network = read_package(find_packages()["style"]).load()
    rows, ratios = [], []
    with torch.inference_mode():
        for name, number, key in _pairs(steps):
            painting, photograph = list(PAINTINGS)[number], pictures[name]
            content = losses.content(photograph)
            before = float(total(losses, photograph, content, number))
            result = network(photograph, torch.tensor([position({painting: 1.0})]))
            after = float(total(losses, result.clamp(0, 1), content, number))
            ratios.append(after / optima[key].least)
            numbers = (before, optima[key].least, after, ratios[-1])
            cells = (f"{number:.2f}" for number in numbers)
            rows.append((painting, name, *cells, optima[key].passes_to(after)))
    _write(rows, ratios, steps)


def _pairs(steps: int) -> list[tuple[str, int, str]]:
    """Photographs, numbers of paintings, and the names of their optima."""
    names = list(PAINTINGS)
    numbers = [index % len(names) for index in range(len(PHOTOGRAPHS))]
    return [
        (
            photograph,
            number,
            f"{photograph}, {names[number]}, {steps} steps, {STYLE_WEIGHT:g} times style",
        )
        for photograph, number in zip(PHOTOGRAPHS, numbers, strict=True)
    ]


def _photograph(name: str) -> Tensor:
    return measured(to_float(read_rgb(DATA / "test" / "GB82" / f"{name}.png"))[None])


def _write(rows: Sequence[tuple[str, ...]], ratios: Sequence[float], steps: int) -> None:
    headings = (
        *("painting", "photograph", "before", "optimised", "network", "network / optimised"),
        "passes to the network's",
    )
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    mean = f"Mean ratio {sum(ratios) / len(ratios):.2f}, largest {max(ratios):.2f}."
    print(mean)
    lines = ["# Style at full strength against optimisation of each picture", ""]
    lines += [f"`python -m benchmarks.yardstick {steps}`, {machine()}, commit {commit()}.", ""]
    lines += [(__doc__ or "").split("\n\n", 1)[1].strip(), ""]
    lines += ["Total loss (content + 40 · style); photographs of GB82 at 256 × 256 pixels.", ""]
    lines += ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", mean, ""]
    (RESULTS / "yardstick.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
