"""Qt: the binding that this Krita has. Krita 5 comes with PyQt5, Krita 6 with PyQt6."""

from __future__ import annotations

import pykrita

if getattr(pykrita, "qt_major_version", lambda: 5)() == 6:
    from PyQt6 import QtCore, QtGui, QtWidgets
else:
    from PyQt5 import QtCore, QtGui, QtWidgets

__all__ = ["QtCore", "QtGui", "QtWidgets"]
