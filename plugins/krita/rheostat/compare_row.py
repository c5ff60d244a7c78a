"""The rows of the docker with which source and preview, and two settings, are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rheostat_client.comparing import Split, Variants
from rheostat_client.texts import _

from .qt import QtCore, QtWidgets

Values = dict[str, float]
STEPS = 1000  # of the divider


class CompareRow(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """Preview on or off; a divider to move; a button to hold; settings A and B."""

    def __init__(
        self,
        get: Callable[[], Values],
        set: Callable[[Values], None],
        switch: Callable[[bool], None],
        split: Callable[[Split], None],
    ) -> None:
        """Over sliders that `get` reads and `set` moves; `switch` and `split` hear of changes."""
        super().__init__()
        self._get, self._set, self._tell = get, set, split
        self._variants = Variants()
        self.split = Split()
        self.preview = QtWidgets.QCheckBox(_("Preview"))
        self.preview.setToolTip(_("Show on the canvas what the sliders do"))
        self.preview.setChecked(True)
        self.preview.toggled.connect(switch)
        self.divided = QtWidgets.QCheckBox(_("Split"))
        self.divided.setToolTip(_("Show the source left of a divider"))
        self.divided.toggled.connect(lambda on: self._change(is_on=on))
        self.divider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self.divider.setToolTip(_("Where the divider is"))
        self.divider.setRange(0, STEPS)
        self.divider.setValue(STEPS // 2)
        self.divider.setEnabled(False)
        self.divider.valueChanged.connect(lambda step: self._change(divider=step / STEPS))
        self.hold = QtWidgets.QPushButton(_("Hold to see the source"))
        self.hold.pressed.connect(lambda: self._change(is_held=True))
        self.hold.released.connect(lambda: self._change(is_held=False))
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.preview, 0, 0)
        grid.addWidget(self.divided, 0, 1)
        grid.addWidget(self.divider, 0, 2, 1, 2)
        grid.addWidget(self.hold, 1, 0, 1, 2)
        for column, name in enumerate(("A", "B"), start=2):
            grid.addWidget(self._variant(name), 1, column)

    def divide(self, share: float) -> None:
        """Move the divider, 0..1 from the left."""
        self.divider.setValue(round(share * STEPS))

    def _variant(self, name: str) -> Any:
        button = QtWidgets.QRadioButton(name)
        button.setToolTip(_("Go back and forth between two settings"))
        button.setChecked(name == self._variants.chosen)
        button.toggled.connect(lambda on: self._choose(name) if on else None)
        return button

    def _choose(self, name: str) -> None:
        if name != self._variants.chosen:
            self._set(self._variants.choose(name, self._get()))

    def _change(self, **changes: Any) -> None:
        self.split = replace(self.split, **changes)
        self.divider.setEnabled(self.split.is_on)
        self._tell(self.split)
