"""Selecting a result brings its settings back, maps included, and shows what was shown before."""

from __future__ import annotations

from typing import Any

import pytest
from krita_fake.conftest import Run


@pytest.fixture(scope="module")
def seen(run: Run) -> dict[str, Any]:
    return dict(run("restore")["seen"])


def test_without_a_preview_none_begins(seen: dict[str, Any]) -> None:
    assert seen["calm"] == [40.0, "Sky", None]
    assert seen["calm words"].startswith("Made from 'Background'")


def test_a_preview_follows_with_its_maps(seen: dict[str, Any]) -> None:
    assert seen["previewed"] == [40.0, "Sky", ["noise"]]
