"""The comparison with specialists is fair: the same layers and weights, then one position alone."""

from __future__ import annotations

import pytest
import torch
from packages import BACKBONES, needs_data
from rheostat.tasks import TASKS
from rheostat.training import Trainer

from benchmarks.specialists import RUNS, Run, Specialist, specialise


@pytest.fixture(params=RUNS, ids=lambda run: f"{run.model}-{run.fault}")
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


def test_a_specialist_is_the_shipped_network_at_its_position_and_learns(run: Run) -> None:
    tunable = run.package.load()
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    specialist, lam = Specialist(tunable, run.position), torch.tensor([run.position])
    torch.testing.assert_close(specialist(x, lam), tunable(x, lam), atol=1e-5, rtol=0)
    specialist(x, lam).square().mean().backward()
    assert all(p.grad is not None for p in specialist.parameters())
    # Nothing is left of the slopes.
    count = sum(p.numel() for p in specialist.parameters())
    assert count == sum(p.numel() for n, p in tunable.named_parameters() if "slopes" not in n)


@needs_data
def test_it_sees_its_own_fault_alone(run: Run) -> None:
    recipe = run.recipe(10)
    assert recipe.steps == 10
    task = TASKS[recipe.task](BACKBONES)
    trainer = Trainer.__new__(Trainer)  # without pictures
    trainer.recipe, trainer.task = recipe, task
    specialise(trainer, run.package.load(), run.position)
    trained = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in trainer.network.parameters()}
    clean = torch.rand(4, 3, 64, 64)
    batch = task.draw(clean, recipe.stages[0].detailed, torch.Generator().manual_seed(0))
    assert batch.lam.tolist() == [list(run.position)] * 4
