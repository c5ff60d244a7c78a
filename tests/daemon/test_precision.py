"""Half the bits only where the device has them and the picture stays the same."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from packages import random_denoiser
from rheostat.package import Package, read_package
from rheostatd import precision
from rheostatd.precision import WORST, choose

CPU = torch.device("cpu")


@pytest.fixture
def package(tiny_package: Path) -> Package:
    return read_package(tiny_package)


@pytest.mark.parametrize("native", [True, False])
def test_what_the_device_does_not_compute_natively_is_not_chosen(
    package: Package, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(precision, "_is_native", lambda _: native)
    dtype = choose(package.load(), package, CPU)
    assert dtype == (torch.bfloat16 if native else torch.float32)


def test_a_network_whose_picture_would_change_keeps_all_its_bits(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_is_native", lambda _: True)
    loud = random_denoiser()
    with torch.no_grad():
        for parameter in loud.parameters():
            parameter.mul_(12)
    lam = package.golden()[1][0]
    x = package.golden()[0]
    change = loud.bake(lam)(x) - loud.bake(lam).to(torch.bfloat16)(x)
    assert float(change.abs().max()) > WORST
    assert choose(loud, package, CPU) == torch.float32


def test_a_network_that_gives_no_number_in_half_the_bits_keeps_them_all(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overflowing(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * math.nan if next(self.parameters()).dtype == torch.bfloat16 else x

    def bake(_: torch.Tensor) -> torch.nn.Module:
        baked = Overflowing()
        baked.weight = torch.nn.Parameter(torch.ones(1))
        return baked

    monkeypatch.setattr(precision, "_is_native", lambda _: True)
    network = package.load()
    monkeypatch.setattr(network, "bake", bake)
    assert choose(network, package, CPU) == torch.float32
