"""What the pages say of the comparison is what was measured."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from rheostat import STRATEGIES

from benchmarks.control.results import (
    Comparison,
    read_comparison,
    read_dropped,
    specialists,
    strategies,
    values,
)
from benchmarks.control.run import Result

TWO_PHASE = {name for name, strategy in STRATEGIES.items() if strategy.training == "ends"}
JOINT = set(STRATEGIES) - TWO_PHASE


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return read_comparison()


@pytest.fixture(scope="module")
def first_try(comparison: Comparison) -> Comparison:
    """The comparison as it was before joint training on the noise task was run again."""
    replaced = {("noise", name) for name in JOINT}
    kept = [r for r in comparison.results if (r.task, r.strategy) not in replaced]
    return msgspec.structs.replace(comparison, results=kept + read_dropped())


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


def test_what_is_said_of_the_noise_task_holds_for_the_first_try_too(
    first_try: Comparison,
) -> None:
    psnr = along(first_try, "noise", "psnr")
    assert set(psnr) == set(STRATEGIES)
    best = specialists(first_try, "noise", "psnr")
    for lam in (0.25, 0.5, 0.75):
        assert all(psnr["tunable-conv"][lam] > psnr[other][lam] for other in TWO_PHASE)
    assert min(psnr["tunable-conv"][lam] - best[lam] for lam in best if lam > 0) > -0.1


def test_weighting_the_loss_helped_every_joint_method_at_the_finest_noise(
    comparison: Comparison, first_try: Comparison
) -> None:
    now, first = (along(c, "noise", "psnr") for c in (comparison, first_try))
    assert all(now[name][0] > first[name][0] for name in JOINT)
    best = specialists(comparison, "noise", "psnr")
    assert first["tunable-conv"][0] - best[0] == pytest.approx(-0.69, abs=0.005)
    assert now["tunable-conv"][0] - best[0] == pytest.approx(-0.35, abs=0.005)
    assert first["conditional-norm"][0] < first["tunable-conv"][0]  # the order changes
    assert now["conditional-norm"][0] > now["tunable-conv"][0]


def test_the_specialists_on_strong_noise_are_no_upper_bound(comparison: Comparison) -> None:
    psnr = along(comparison, "noise", "psnr")
    best = specialists(comparison, "noise", "psnr")
    above = {n for n in JOINT if all(psnr[n][lam] > v for lam, v in best.items() if lam >= 0.5)}
    assert above == JOINT - {"cresmd"}


def test_half_the_budget_costs_two_phase_methods_much_before_any_middle_and_the_blend_sags(
    comparison: Comparison,
) -> None:
    psnr = along(comparison, "noise", "psnr")
    best = specialists(comparison, "noise", "psnr")
    for name in TWO_PHASE - {"blend"}:
        assert psnr[name][0] - best[0] == pytest.approx(-1.8, abs=0.01)
    for lam in (0.25, 0.5):
        assert psnr["blend"][lam] - best[lam] == pytest.approx(-1, abs=0.03)


def test_only_tunable_convolutions_beat_the_blend_among_joint_methods_on_texture(
    comparison: Comparison,
) -> None:
    objective = along(comparison, "perception", "objective")
    distance = along(comparison, "perception", "perception")
    for name in JOINT - {"tunable-conv"}:
        assert all(objective[name][lam] > v for lam, v in objective["blend"].items())
        assert max(distance[name].values()) < 1.02 * min(distance[name].values())
    best = specialists(comparison, "perception", "objective")
    assert all(objective["tunable-conv"][lam] < v for lam, v in best.items() if lam > 0)


def test_the_specialists_on_texture_are_no_upper_bound(comparison: Comparison) -> None:
    error = specialists(comparison, "perception", "fidelity")
    assert error[0.25] < error[0]


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
    times = [comparison.expenses[n].baked_time for n, s in STRATEGIES.items() if s.folds]
    assert len(times) == 6
    assert (round(min(times), 2), round(max(times), 2)) == (0.94, 1.02)
