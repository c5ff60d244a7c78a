"""The page of results: tables and plots from the runs in the store, timings taken here and now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import matplotlib as mpl
import msgspec
import torch
from matplotlib import pyplot as plt
from rheostat import STRATEGIES, bake, convert, cost
from rich.console import Console
from torch import nn

from benchmarks.machine import commit, machine

from .run import SPECIALIST, Result, all_runs
from .task import FIDELITY_FLOOR, Backbone, Recipe

mpl.use("Agg")
TIMED_SIDE = 512
ROUNDS = 9


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


def write_report(
    recipe: Recipe, store: Path, folder: Path, device: str, console: Console
) -> Comparison:
    """Read every finished run, time every strategy, and write json, md and two plots."""
    files = (store / f"{run.name}.json" for run in all_runs(recipe))
    results = [msgspec.json.decode(f.read_bytes(), type=Result) for f in files if f.exists()]
    comparison = Comparison(
        "python -m benchmarks.control --data ../shared/data",
        machine(device),
        commit(),
        recipe,
        results,
        _expenses(recipe, torch.device(device)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "control.json").write_bytes(msgspec.json.format(msgspec.json.encode(comparison)))
    page = "\n".join(_page(comparison)) + "\n"
    (folder / "control.md").write_text(page, encoding="utf-8")
    _plot_noise(comparison, folder / "control-noise.png")
    _plot_perception(comparison, folder / "control-perception.png")
    console.print(page)
    return comparison


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


def _expenses(recipe: Recipe, device: torch.device) -> dict[str, Expense]:
    torch.manual_seed(0)
    plain = Backbone(recipe.width, recipe.blocks).to(device).eval()
    x, lam = torch.rand(1, 3, TIMED_SIDE, TIMED_SIDE, device=device), torch.tensor([[0.5]])
    base = cost(plain, x)
    expenses = {}
    for name, strategy in STRATEGIES.items():
        include = ["body.?"] if strategy.site == "blocks" else []
        tunable = convert(plain, 1, strategy=name, include=include)
        _stir(tunable)
        baked = bake(tunable, lam[0].to(device)).eval()
        dynamic, folded = cost(tunable, x, lam.to(device)), cost(baked, x)
        times = _race(partial(plain, x), partial(tunable, x, lam.to(device)), partial(baked, x))
        expenses[name] = Expense(
            dynamic.parameters / base.parameters,
            dynamic.macs / base.macs,
            folded.macs / base.macs,
            times[1] / times[0],
            times[2] / times[0],
        )
    return expenses


@torch.no_grad()
def _stir(network: nn.Module) -> None:
    """As after training: nothing that was added is zero."""
    for parameter in network.parameters():
        parameter.add_(0.01 * torch.randn_like(parameter))


@torch.inference_mode()
def _race(*runs: Callable[[], object]) -> list[float]:
    """The best time of each; the rounds take turns, so that a busy moment hits all."""
    best = [float("inf")] * len(runs)
    for _ in range(ROUNDS):
        for index, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[index] = min(best[index], time.perf_counter() - start)
    return best


def _page(comparison: Comparison) -> Iterable[str]:
    recipe = comparison.recipe
    yield "# Control strategies compared"
    yield ""
    yield f"`{comparison.command}`, on {comparison.machine}, commit {comparison.commit}."
    yield ""
    yield (
        f"One backbone ({recipe.blocks} residual blocks of {recipe.width} channels on 2×2 pixels), "
        f"one seed, batches of {recipe.batch} patches of {recipe.patch}², Adam with a cosine; "
        f"{recipe.noise.steps} steps for the noise task, {recipe.perception.steps} for perception. "
        "A two-phase strategy gives half of them to its base. A specialist is the same backbone "
        "trained with all the steps for one λ."
    )
    low, high = recipe.noise.levels
    seen = ", ".join(f"{low + (high - low) * lam:g}" for lam in recipe.noise.seen)
    yield ""
    yield "## Noise: PSNR in dB along σ"
    yield ""
    yield f"Joint training saw σ {seen}, two-phase training {low:g} and {high:g}."
    yield ""
    yield from _table(comparison, "noise", "psnr", lambda lam: f"σ {low + (high - low) * lam:g}", 2)
    yield ""
    yield "![PSNR less the specialists'](control-noise.png)"
    yield ""
    yield "## Perception: the objective along λ (less is better)"
    yield ""
    yield (
        f"(1 − {1 - FIDELITY_FLOOR:g} λ) L1 + λ LPIPS, each over its value at λ = 0; noise of σ 25."
    )
    yield ""
    yield from _table(comparison, "perception", "objective", lambda lam: f"λ {lam:g}", 4)
    yield ""
    yield "![LPIPS against PSNR](control-perception.png)"
    yield ""
    yield "## Cost, over the plain backbone's"
    yield ""
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


def _plot_noise(comparison: Comparison, path: Path) -> None:
    best = specialists(comparison, "noise", "psnr")
    low, high = comparison.recipe.noise.levels
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    axes.axhline(0, color="0.5", linewidth=1, label="specialists")
    for result in strategies(comparison, "noise"):
        along = dict(zip(result.curve["position"], result.curve["psnr"], strict=True))
        sigmas = [low + (high - low) * lam for lam in best]
        axes.plot(sigmas, [along[lam] - v for lam, v in best.items()], "o-", label=result.strategy)
    axes.set(xlabel="noise σ, 8-bit levels", ylabel="PSNR less the specialist's, dB")
    axes.set_ylim(bottom=-1.5)
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_perception(comparison: Comparison, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    distance = specialists(comparison, "perception", "perception")
    psnr = specialists(comparison, "perception", "psnr")
    axes.plot([*psnr.values()], [*distance.values()], "k*", label="specialists", zorder=3)
    for result in strategies(comparison, "perception"):
        curve = result.curve
        axes.plot(curve["psnr"], curve["perception"], "o-", markersize=3, label=result.strategy)
    axes.set(xlabel="PSNR, dB", ylabel="LPIPS (SqueezeNet)")
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=110)
    plt.close(figure)
