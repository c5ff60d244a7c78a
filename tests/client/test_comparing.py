"""The divider between source and preview, and going back and forth between two settings."""

from __future__ import annotations

import pytest
from rheostat_client.comparing import Split, Variants


@pytest.mark.parametrize(
    ("split", "columns"),
    [
        (Split(), 0),
        (Split(is_on=True), 50),
        (Split(is_on=True, divider=0.0), 0),
        (Split(is_on=True, divider=1.2), 100),
        (Split(is_on=True, divider=0.254), 25),
        (Split(is_held=True), 100),
        (Split(is_on=True, divider=0.3, is_held=True), 100),
    ],
)
def test_the_source_shows_left_of_the_divider(split: Split, columns: int) -> None:
    assert split.columns(100) == columns


def test_two_settings_keep_what_was_done_to_each() -> None:
    variants = Variants()
    assert variants.chosen == "A"
    assert variants.choose("B", {"noise": 10.0}) == {"noise": 10.0}  # a copy to begin with
    assert variants.choose("A", {"noise": 40.0}) == {"noise": 10.0}
    assert variants.choose("B", {"noise": 12.0}) == {"noise": 40.0}
    assert variants.choose("A", {"noise": 41.0}) == {"noise": 12.0}
