"""What the comparison found, and the page that says it: everything here comes from control.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from .run import SPECIALIST, Result
from .task import EVALUATED, FIDELITY_FLOOR, SIDE, Recipe

FILE = Path(__file__).parents[1] / "results" / "control.json"
DROPPED = FILE.with_name("control-unweighted.json")


class Expense(msgspec.Struct, frozen=True):
    """A strategy's cost over the plain backbone's, as ratios of time and MACs."""

    parameters: float
    macs: float
    baked_macs: float
    dynamic_time: float
    baked_time: float


class Comparison(msgspec.Struct, frozen=True):
    """benchmarks/results/control.json."""

    command: str
    machine: str
    commit: str
    recipe: Recipe
    results: list[Result]
    expenses: dict[str, Expense]


def read_comparison(path: Path = FILE) -> Comparison:
    """The comparison in `path`."""
    return msgspec.json.decode(path.read_bytes(), type=Comparison)


def read_dropped(path: Path = DROPPED) -> list[Result]:
    """The first noise runs of joint training, with plain L1, which the weighted ones replaced."""
    return msgspec.json.decode(path.read_bytes(), type=list[Result])


def specialists(comparison: Comparison, task: str, measure: str) -> dict[float, float]:
    """What the network trained for each λ alone reaches there."""
    found = {}
    for result in comparison.results:
        if (result.task, result.strategy) == (task, SPECIALIST) and result.at is not None:
            index = result.curve["position"].index(result.at)
            found[result.at] = values(comparison, result, measure)[index]
    return found


def strategies(comparison: Comparison, task: str) -> list[Result]:
    """The results of the strategies on `task`, as the registry orders them."""
    return [r for r in comparison.results if r.task == task and r.strategy != SPECIALIST]


def values(comparison: Comparison, result: Result, measure: str) -> list[float]:
    """A measure along λ; "objective" is the perception task's loss, each term over its value
    where λ is 0 and a specialist was trained for it."""
    if measure != "objective":
        return result.curve[measure]
    base = next(
        r.curve
        for r in comparison.results
        if (r.task, r.strategy, r.at) == ("perception", SPECIALIST, 0.0)
    )
    return [
        (1 - (1 - FIDELITY_FLOOR) * lam) * fidelity / base["fidelity"][0]
        + lam * perception / base["perception"][0]
        for lam, fidelity, perception in zip(
            result.curve["position"],
            result.curve["fidelity"],
            result.curve["perception"],
            strict=True,
        )
    ]


def page(comparison: Comparison) -> Iterable[str]:
    """benchmarks/results/control.md, line by line."""
    recipe = comparison.recipe
    yield "# Control strategies compared"
    yield ""
    yield (
        f"`{comparison.command}`, timed on {comparison.machine}, written at commit "
        f"{comparison.commit}; the runs are from a store, trained at that commit or before."
    )
    yield ""
    yield (
        f"One backbone ({recipe.blocks} residual blocks of {recipe.width} channels on 2×2 pixels), "
        f"one seed, batches of {recipe.batch} patches of {recipe.patch}², Adam with a cosine; "
        f"{recipe.noise.steps} steps for the noise task, {recipe.perception.steps} for perception. "
        "A two-phase strategy gives half of them to its base. A specialist is the same backbone "
        "trained with all the steps for one λ. Measured on the middle "
        f"{SIDE}² of {EVALUATED} pictures of CBSD68. What follows from it, and what did not "
        "come out as hoped: [what the sliders really do](../../docs/what-the-sliders-do.md)."
    )
    low, high = recipe.noise.levels
    seen = ", ".join(f"{low + (high - low) * lam:g}" for lam in recipe.noise.seen)
    yield ""
    yield "## Noise: PSNR in dB along σ"
    yield ""
    yield f"Joint training saw σ {seen}, two-phase training {low:g} and {high:g}."
    yield ""
    yield from noise_table(comparison)
    yield ""
    yield "![PSNR less the specialists'](control-noise.png)"
    yield ""
    yield "## A first try of joint training on the noise task, replaced"
    yield ""
    yield (
        "Joint training first ran with plain L1. After its results were seen, on the pictures "
        "measured here, L1 was weighted by noise level, and joint training alone was run again. "
        "Where λ is fixed the weight is 1: two-phase runs and specialists are the same either way."
    )
    yield ""
    yield from dropped_table(comparison)
    yield ""
    yield "## Perception: the objective along λ (less is better)"
    yield ""
    yield (
        f"(1 − {1 - FIDELITY_FLOOR:g} λ) L1 + λ LPIPS, each over its value at λ = 0; noise of σ 25."
    )
    yield ""
    yield from perception_table(comparison)
    yield ""
    yield "![LPIPS against PSNR](control-perception.png)"
    yield ""
    yield "## Cost, over the plain backbone's"
    yield ""
    yield from cost_table(comparison)


def noise_table(comparison: Comparison) -> Iterable[str]:
    """PSNR along σ, and the worst gap to the specialists."""
    low, high = comparison.recipe.noise.levels
    return _table(comparison, "noise", "psnr", lambda lam: f"σ {low + (high - low) * lam:g}", 2)


def dropped_table(comparison: Comparison) -> Iterable[str]:
    """The noise table of the runs with plain L1 that weighted ones replaced."""
    low, high = comparison.recipe.noise.levels
    dropped = [r for r in comparison.results if r.strategy == SPECIALIST] + read_dropped()
    first = msgspec.structs.replace(comparison, results=dropped)
    return _table(first, "noise", "psnr", lambda lam: f"σ {low + (high - low) * lam:g}", 2)


def perception_table(comparison: Comparison) -> Iterable[str]:
    """The objective along λ, and the worst gap to the specialists."""
    return _table(comparison, "perception", "objective", lambda lam: f"λ {lam:g}", 4)


def cost_table(comparison: Comparison) -> Iterable[str]:
    """Parameters, MACs and time over the plain backbone's."""
    yield "| strategy | parameters | MACs | baked MACs | time | baked time |"
    yield "|---|---|---|---|---|---|"
    for name, e in comparison.expenses.items():
        yield (
            f"| {name} | {e.parameters:.2f} | {e.macs:.2f} | {e.baked_macs:.2f} "
            f"| {e.dynamic_time:.2f} | {e.baked_time:.2f} |"
        )


def _table(
    comparison: Comparison, task: str, measure: str, head: Callable[[float], str], digits: int
) -> Iterable[str]:
    best = specialists(comparison, task, measure)
    yield "| strategy | " + " | ".join(map(head, best)) + " | worst gap |"
    yield "|---|" + "---|" * (len(best) + 1)
    yield "| specialists | " + " | ".join(f"{v:.{digits}f}" for v in best.values()) + " | – |"
    for result in strategies(comparison, task):
        along = dict(
            zip(result.curve["position"], values(comparison, result, measure), strict=True)
        )
        gaps = [along[lam] - value for lam, value in best.items()]
        worst = min(gaps) if measure == "psnr" else max(gaps)
        cells = " | ".join(f"{along[lam]:.{digits}f}" for lam in best)
        yield f"| {result.strategy} | {cells} | {worst:+.{digits}f} |"
