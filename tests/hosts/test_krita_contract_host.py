"""What the fake Krita of tests/krita_fake does, the real one does too."""

from __future__ import annotations

from typing import Any

import pytest
from hosts.rig import Krita
from krita_fake.contract import PROPERTIES

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def broken(krita: Krita, display: str) -> dict[str, Any]:
    return dict(krita.run("contract", display=display))


@pytest.mark.parametrize("name", PROPERTIES)
def test_krita_keeps_the_contract(broken: dict[str, Any], name: str) -> None:
    assert not broken[name], broken[name]
