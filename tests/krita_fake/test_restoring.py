"""Selecting a result brings its settings back, maps included, and shows what was shown before."""

from __future__ import annotations

from typing import Any

import pytest
from krita_fake.conftest import Run


@pytest.fixture(scope="module")
def seen(run: Run) -> dict[str, Any]:
    return dict(run("restore")["seen"])


def test_no_preview_begins_before_there_is_a_picture(seen: dict[str, Any]) -> None:
    assert seen["words at the start"] == ""


@pytest.mark.parametrize("name", ["unticked", "calm"])
def test_without_a_preview_none_begins(seen: dict[str, Any], name: str) -> None:
    assert seen[name] == ["tiny", 40.0, "Sky", None]
    assert seen[f"{name} asked"] == []


def test_a_preview_follows_with_its_maps(seen: dict[str, Any]) -> None:
    assert seen["previewed"] == ["tiny", 40.0, "Sky", ["noise"]]
    assert seen["previewed asked"] == [40.0]


@pytest.mark.parametrize("name", ["applied", "unticked", "calm", "previewed"])
def test_what_a_result_was_made_from_stays_to_be_read(seen: dict[str, Any], name: str) -> None:
    assert seen[f"{name} words"] == "Made from 'Background'; Apply replaces it."
    assert seen["source words"] == ""
