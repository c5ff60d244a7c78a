"""The comparison with specialists is fair: same layers, same number of steps."""

from __future__ import annotations

import pytest
import torch
from rheostat.nets import build
from rheostat.package import find_packages
from rheostat.recipe import read_recipe

from benchmarks.specialists import COMPARED, Comparison, Run, Specialist


@pytest.fixture(params=COMPARED, ids=lambda comparison: comparison.model)
def comparison(request: pytest.FixtureRequest) -> Comparison:
    found: Comparison = request.param
    return found


def test_a_specialist_is_the_tunable_network_at_its_position_and_learns(
    comparison: Comparison,
) -> None:
    recipe = read_recipe(find_packages()[comparison.model] / "recipe.toml")
    tunable = build(recipe.architecture, recipe.config)
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for position in comparison.positions:
        specialist, lam = Specialist(tunable, position), torch.tensor([position])
        torch.testing.assert_close(specialist(x, lam), tunable(x, lam), atol=1e-5, rtol=0)
        specialist(x, lam).square().mean().backward()
        assert all(p.grad is not None for p in specialist.parameters())
        # Nothing is left of the slopes.
        count = sum(p.numel() for p in specialist.parameters())
        assert count == sum(p.numel() for n, p in tunable.named_parameters() if "slopes" not in n)


@pytest.mark.parametrize("steps", [10, 999])
def test_every_network_gets_all_the_steps(comparison: Comparison, steps: int) -> None:
    recipes = [Run(comparison, p, steps).recipe() for p in (None, *comparison.positions)]
    assert {recipe.steps for recipe in recipes} == {steps}
    assert len({recipe.stages[0].batch for recipe in recipes}) == 1
