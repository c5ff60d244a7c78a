"""Sliders: one row per control, made from the model's description."""

from __future__ import annotations

from collections.abc import Callable

from rheostat_client.controls import Control
from rheostat_client.texts import _, explanation, painting

from .qt import QtCore, QtWidgets

STEPS = 1000  # of a slider's travel
Take = Callable[[float], None]


class ControlRow(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """A label, a slider over the soft range, a number over the hard range, and a way back."""

    def __init__(
        self, control: Control, changed: Callable[[], None], estimate: Callable[[str, Take], None]
    ) -> None:
        """Call `changed` whenever the value does.

        `estimate` finds out what the control of an id should be, for those that have `auto`.
        """
        super().__init__()
        self.control, self._changed = control, changed
        self.setToolTip(explanation(control))
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
        reset.setToolTip(_("Back to {value}").format(value=control.format(control.default)))
        reset.clicked.connect(lambda: self.set_value(control.default))
        self.auto = QtWidgets.QToolButton()
        self.auto.setText(_("Auto"))
        self.auto.setToolTip(_("Find out what the picture needs"))
        self.auto.clicked.connect(lambda: estimate(control.id, self._take))
        self.auto.setVisible(control.auto is not None)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QtWidgets.QLabel(control.label), 0, 0, 1, 4)
        for column, widget in enumerate((self.slider, self.number, reset, self.auto)):
            grid.addWidget(widget, 1, column)
        self.map = MapChoice(control, changed)
        grid.addWidget(self.map, 2, 0, 1, 4)
        self.map.setVisible(False)
        self.put(control.default)
        self.slider.valueChanged.connect(self._slid)
        self.number.valueChanged.connect(self._typed)

    @property
    def value(self) -> float:
        """Where the control stands."""
        return float(self.number.value())

    def set_value(self, value: float) -> None:
        """Move slider and number."""
        before = self.value
        self.put(value)
        if self.value != before:
            self._changed()

    def put(self, value: float) -> None:
        """Move slider and number, and tell nobody."""
        self._show(value)
        self._follow()

    def _take(self, value: float) -> None:
        self.set_value(self.control.rounded(value))

    def _slid(self, step: int) -> None:
        self._show(self.control.rounded(self.control.value(step / STEPS)))
        self._changed()

    def _typed(self, _value: float) -> None:
        self._follow()
        self._changed()

    def _show(self, value: float) -> None:
        self.number.blockSignals(True)
        self.number.setValue(value)
        self.number.blockSignals(False)

    def _follow(self) -> None:
        position = min(1.0, max(0.0, self.control.position(self.value)))
        self.slider.blockSignals(True)
        self.slider.setValue(round(STEPS * position))
        self.slider.blockSignals(False)


class MapChoice(QtWidgets.QComboBox):  # type: ignore[misc]  # PyQt has no types
    """Which layer or mask says where a control acts; filled anew each time it is opened."""

    def __init__(self, control: Control, changed: Callable[[], None]) -> None:
        """Call `changed` when another one is chosen."""
        super().__init__()
        self.setToolTip(painting(control))
        self.find: Callable[[], list[str]] = list
        self.addItem(_("nothing, the same everywhere"))
        self.activated.connect(lambda _index: changed())

    @property
    def chosen(self) -> str:
        """The name of the layer or mask, or nothing."""
        return str(self.currentData() or "")

    def choose(self, name: str) -> None:
        """Show the one of that name as chosen; an empty name is none."""
        names = self.find()
        if name and name not in names:
            names.append(name)
        self.clear()
        self.addItem(_("nothing, the same everywhere"))
        for each in names:
            self.addItem(_("painted by {name}").format(name=each), each)
        self.setCurrentIndex(names.index(name) + 1 if name else 0)

    def showPopup(self) -> None:  # noqa: N802
        """Look for layers again, then open."""
        self.choose(self.chosen)
        super().showPopup()
