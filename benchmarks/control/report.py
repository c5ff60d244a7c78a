"""Writing the results: the runs in the store, timings taken here and now, and two plots."""

from __future__ import annotations

import time
from collections.abc import Callable
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

from .results import Comparison, Expense, page, specialists, strategies
from .run import Result, all_runs
from .task import Backbone, Recipe

mpl.use("Agg")
TIMED_SIDE = 512
ROUNDS = 9


def write_report(
    recipe: Recipe, store: Path, folder: Path, device: str, console: Console
) -> Comparison:
    """Read every finished run, time every strategy, and write json, md and two plots."""
    files = (store / f"{run.name}.json" for run in all_runs(recipe))
    results = [msgspec.json.decode(f.read_bytes(), type=Result) for f in files if f.exists()]
    comparison = Comparison(
        "python -m benchmarks.control",
        machine(device),
        commit(),
        recipe,
        results,
        _expenses(recipe, torch.device(device)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "control.json").write_bytes(msgspec.json.format(msgspec.json.encode(comparison)))
    text = "\n".join(page(comparison)) + "\n"
    (folder / "control.md").write_text(text, encoding="utf-8")
    _plot_noise(comparison, folder / "control-noise.png")
    _plot_perception(comparison, folder / "control-perception.png")
    console.print(text)
    return comparison


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
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            best[index] = min(best[index], time.perf_counter() - start)
    return best


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
    figure.legend(loc="outside right upper", fontsize="small")
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
