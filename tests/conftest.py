"""Fixtures every part uses: a tiny model that is a real package, with random weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from packages import PackageMaker, write_package
from rheostat.package import read_package

torch.set_num_threads(1)  # tests are small: threads that wait for each other cost more


@pytest.fixture
def make_package(tmp_path: Path) -> PackageMaker:
    """`make_package(id, width, blocks, seed)` writes a package; returns its folder."""

    return partial(write_package, tmp_path / "models")


@pytest.fixture
def tiny_package(make_package: PackageMaker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package `tiny`, found by `find_packages` through RHEOSTAT_MODELS."""
    folder = make_package()
    monkeypatch.setenv("RHEOSTAT_MODELS", str(folder.parent))
    return read_package(folder).folder
