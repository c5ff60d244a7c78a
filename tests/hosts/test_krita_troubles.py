"""Cancel, layer switches, closed documents, dead and frozen daemons: Krita and the picture stay."""

from __future__ import annotations

from typing import Any

import pytest
from hosts.rig import Krita

pytestmark = pytest.mark.host

LIMIT = 0.15  # seconds


@pytest.fixture(scope="module")
def seen(krita: Krita, display: str) -> dict[str, Any]:
    krita.rheostat("models")  # so that the daemon runs
    result = krita.run("troubles", display=display, daemon=krita.daemon())
    for name, gap in result["gaps"].items():
        print(f"longest time without Krita's loop, {name}: {1000 * gap:.0f} ms")
    for name, stay in sorted(result["longest stay"].items(), key=lambda each: -each[1])[:5]:
        print(f"longest stay in {name}: {1000 * stay:.0f} ms")
    return dict(result)


def test_the_document_its_undo_list_and_modified_flag_are_as_before(seen: dict[str, Any]) -> None:
    for name, state in seen["after"].items():
        if "closed" not in name:
            assert state == seen["before"], name


def test_a_docker_that_is_closed_takes_its_preview_along(seen: dict[str, Any]) -> None:
    assert seen["closed"]


def test_a_dead_daemon_is_told_of(seen: dict[str, Any]) -> None:
    assert "daemon" in seen["words"]["apply, a killed daemon"].lower()


def test_nothing_goes_on_for_a_document_that_was_closed(seen: dict[str, Any]) -> None:
    assert seen["after"]["preview, closed"] == {"is busy": False}
    assert seen["after"]["apply, closed"] == {"is busy": False}


def test_no_trouble_keeps_krita_waiting(seen: dict[str, Any]) -> None:
    """Not a benchmark: a loop that waits for a frozen daemon would wait for seconds."""
    for name, gap in seen["gaps"].items():
        assert gap < 2, name
