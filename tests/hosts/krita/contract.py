"""The contract of the fake Krita, in the real one."""

from __future__ import annotations

import krita
from krita_fake.contract import Host, Steps, broken
from PyQt5 import QtCore


def main() -> Steps:
    """What is broken, by the name of the property."""
    found = yield from broken(Host(krita, QtCore))
    return found
