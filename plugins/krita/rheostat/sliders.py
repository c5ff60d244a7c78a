"""Sliders: one row per control, made from the model's description."""

from __future__ import annotations

from collections.abc import Callable

from rheostat_client.controls import Control

from .qt import QtCore, QtWidgets

STEPS = 1000  # of a slider's travel


class ControlRow(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """A label, a slider over the soft range, a number over the hard range, and a reset button."""

    def __init__(self, control: Control, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the value does."""
        super().__init__()
        self.control, self._changed = control, changed
        self.setToolTip(_help(control))
        self.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setObjectName(f"rheostat_{control.id}")
        self.number = QtWidgets.QDoubleSpinBox()
        self.number.setDecimals(control.digits)
        self.number.setRange(*control.hard)
        self.number.setSingleStep(control.step)
        self.number.setKeyboardTracking(False)
        reset = QtWidgets.QToolButton()
        reset.setText("↺")
        reset.setToolTip(f"Back to {control.format(control.default)}")
        reset.clicked.connect(lambda: self.set_value(control.default))
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QtWidgets.QLabel(control.label), 0, 0, 1, 3)
        for column, widget in enumerate((self.slider, self.number, reset)):
            grid.addWidget(widget, 1, column)
        self.set_value(control.default)
        self.slider.valueChanged.connect(self._slid)
        self.number.valueChanged.connect(self._typed)

    @property
    def value(self) -> float:
        """Where the control stands."""
        return float(self.number.value())

    def set_value(self, value: float) -> None:
        """Move slider and number."""
        self.number.setValue(value)
        self._follow()

    def _slid(self, step: int) -> None:
        self.number.blockSignals(True)
        self.number.setValue(self.control.value(step / STEPS))
        self.number.blockSignals(False)
        self._changed()

    def _typed(self, _value: float) -> None:
        self._follow()
        self._changed()

    def _follow(self) -> None:
        position = min(1.0, max(0.0, self.control.position(self.value)))
        self.slider.blockSignals(True)
        self.slider.setValue(round(STEPS * position))
        self.slider.blockSignals(False)


def _help(control: Control) -> str:
    lines = [control.help]
    if any(control.ends):
        lines.append(f"{control.ends[0]} – {control.ends[1]}")
    if control.unit != "artistic":
        lines.append(f"Unit: {control.unit}")
    if control.off is not None:
        lines.append(f"Off at {control.format(control.off)}")
    return "\n".join(lines)
