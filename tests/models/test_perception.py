"""LPIPS against the value the field's libraries document."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from packages import BACKBONES, needs_data
from rheostat.perception import LPIPS, find_backbones
from rheostat_client.errors import RheostatError


@needs_data
def test_the_documented_value() -> None:
    """torchmetrics' example: seed 123, two batches of uniform noise in −1..1, squeeze: 0.1008."""
    torch.manual_seed(123)
    x, y = (torch.rand(10, 3, 100, 100) for _ in range(2))
    assert float(LPIPS(BACKBONES)(x, y).mean()) == pytest.approx(0.1008, abs=1e-4)


@needs_data
def test_equal_pictures_have_no_distance_and_noise_adds_to_it() -> None:
    lpips = LPIPS(BACKBONES)
    x = torch.rand(1, 3, 32, 32).repeat(3, 1, 1, 1)
    noise = torch.randn(1, 3, 32, 32) * torch.tensor([0.0, 0.05, 0.2])[:, None, None, None]
    distance = lpips(x, x + noise).tolist()
    assert distance[0] == 0
    assert distance == sorted(distance)


def test_missing_weights_name_the_option(tmp_path: Path) -> None:
    with pytest.raises(RheostatError) as caught:
        LPIPS(tmp_path)
    assert caught.value.code == "no-backbone"
    assert "--backbones" in caught.value.remedy


def test_backbones_near_the_data_are_found(tmp_path: Path) -> None:
    data = tmp_path / "data" / "test" / "pictures"
    assert "rheostat" in str(find_backbones(data))
    (tmp_path / "data" / "backbones").mkdir(parents=True)
    assert find_backbones(data) == tmp_path / "data" / "backbones"
