"""Apply goes on for its document and with its model, whichever are in front; a larger result is a
new document."""

from __future__ import annotations

from typing import Any

import pytest
from krita_fake.conftest import Run


@pytest.fixture(scope="module")
def seen(run: Run) -> dict[str, Any]:
    return dict(run("documents")["seen"])


def test_the_result_is_the_one_that_was_begun_where_it_was_begun(seen: dict[str, Any]) -> None:
    assert seen["layers"] == [2, 1]


def test_without_its_document_it_ends(seen: dict[str, Any]) -> None:
    assert not seen["is busy without its document"]


def test_a_step_may_stop_the_steps(seen: dict[str, Any]) -> None:
    assert seen["stopped within a step"] == ["closed"]


def test_a_fault_ends_it_is_told_and_leaves_its_trace(seen: dict[str, Any]) -> None:
    words = "The plug-in failed (KeyError: 'unforeseen'). Try again."
    assert seen["fault"] == [words, True, ["KeyError"]]


def test_a_larger_result_is_a_document_in_front(seen: dict[str, Any]) -> None:
    assert seen["enlarged"] == [1, True]
    assert seen["drawn"]
    assert seen["untouched"] == 2


def test_nothing_is_left_of_one_that_was_cancelled(seen: dict[str, Any]) -> None:
    assert seen["cancelled"] == ["The filter was cancelled.", 0, True]
    assert seen["left open"] == 0
