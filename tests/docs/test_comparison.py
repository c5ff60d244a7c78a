"""What the pages say of the comparison is what was measured."""

from __future__ import annotations

import itertools

import pytest
from rheostat import STRATEGIES

from benchmarks.control.results import (
    Comparison,
    read_comparison,
    specialists,
    strategies,
    values,
)
from benchmarks.control.run import Result

TWO_PHASE = {name for name, strategy in STRATEGIES.items() if strategy.training == "ends"}


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return read_comparison()


def along(comparison: Comparison, task: str, measure: str) -> dict[str, dict[float, float]]:
    """{strategy: {λ: value}}."""

    def curve(result: Result) -> dict[float, float]:
        return dict(zip(result.curve["position"], values(comparison, result, measure), strict=True))

    return {result.strategy: curve(result) for result in strategies(comparison, task)}


def test_every_strategy_and_specialist_was_run_on_both_tasks(comparison: Comparison) -> None:
    for task in ("noise", "perception"):
        assert {r.strategy for r in strategies(comparison, task)} == set(STRATEGIES)
        wanted = getattr(comparison.recipe, task).specialists
        assert tuple(specialists(comparison, task, "psnr")) == wanted


def test_between_its_ends_a_jointly_trained_slider_beats_two_phases_and_the_blend(
    comparison: Comparison,
) -> None:
    psnr = along(comparison, "noise", "psnr")
    objective = along(comparison, "perception", "objective")
    for other in TWO_PHASE:
        for lam in (0.25, 0.5, 0.75):
            assert psnr["tunable-conv"][lam] > psnr[other][lam]
            assert objective["tunable-conv"][lam] < objective[other][lam]


def test_tunable_convolutions_stay_near_the_specialists_but_for_the_finest_noise(
    comparison: Comparison,
) -> None:
    psnr = along(comparison, "noise", "psnr")["tunable-conv"]
    gaps = {lam: psnr[lam] - v for lam, v in specialists(comparison, "noise", "psnr").items()}
    assert min(gap for lam, gap in gaps.items() if lam > 0) > -0.1
    assert gaps[0] > -0.4
    objective = along(comparison, "perception", "objective")["tunable-conv"]
    for lam, best in specialists(comparison, "perception", "objective").items():
        assert objective[lam] <= best + 1e-3


def test_the_perceptual_loss_falls_along_its_slider_and_plain_error_on_the_way_back(
    comparison: Comparison,
) -> None:
    perception = list(along(comparison, "perception", "perception")["tunable-conv"].values())
    steps = [b - a for a, b in itertools.pairwise(perception)]
    assert max(steps) < 0.001  # level at the end, never up by more than one per cent
    assert perception[-1] < 0.85 * perception[0]


def test_baked_costs_what_the_plain_network_costs(comparison: Comparison) -> None:
    for name, strategy in STRATEGIES.items():
        if strategy.folds:
            assert comparison.expenses[name].baked_macs == 1
    assert comparison.expenses["tunable-conv"].baked_time <= 1.02
