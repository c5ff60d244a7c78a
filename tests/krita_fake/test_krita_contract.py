"""The fake Krita keeps the contract that the real one keeps (tests/hosts/test_krita_contract_host).

On PyQt5 and PyQt6, in which the plug-in lives in Krita 5 and 6.
"""

from __future__ import annotations

from krita_fake.conftest import Run
from krita_fake.contract import PROPERTIES


def test_the_fake_keeps_the_contract(run: Run) -> None:
    broken = run("contract")["seen"]
    assert broken == dict.fromkeys(PROPERTIES, "")
