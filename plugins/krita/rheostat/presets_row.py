"""The row of the docker with which positions are kept under a name and found again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.presets import Presets
from rheostat_client.texts import _

from .qt import QtWidgets

Values = dict[str, float]
FIRST = (_("Presets…"), _("Defaults"))


class PresetsRow(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """A list to choose from, and buttons to save and delete."""

    def __init__(
        self,
        get: Callable[[], Values],
        set: Callable[[Values], None],
        say: Callable[[str, bool], None],
    ) -> None:
        """Over sliders that `get` reads and `set` moves; `say` shows what went wrong."""
        super().__init__()
        self._get, self._set, self._say = get, set, say
        self._presets: Presets | None = None
        self._defaults: Values = {}
        self.list = QtWidgets.QComboBox()
        self.list.activated.connect(lambda index: self._try(lambda: self._choose(index)))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.list, 1)
        for label, act in ((_("Save…"), self._ask_and_save), (_("Delete"), self._delete)):
            button = QtWidgets.QToolButton()
            button.setText(label)
            button.clicked.connect(lambda _on=False, act=act: self._try(act))
            row.addWidget(button)

    def show_model(self, model: ModelInfo) -> None:
        """Offer the presets of another model."""
        self._presets = Presets(model.id, model.controls, shipped=model.presets)
        self._defaults = {control.id: control.default for control in model.controls}
        self._try(self._fill)

    def save(self, name: str) -> None:
        """Keep where the sliders stand under `name`."""
        assert self._presets is not None
        self._presets.save(name, self._get())
        self._fill(name.strip())

    def _fill(self, chosen: str = FIRST[0]) -> None:
        assert self._presets is not None
        self.list.clear()
        self.list.addItems(list(FIRST))
        self.list.addItems(self._presets.names())
        self.list.setCurrentText(chosen)

    def _choose(self, index: int) -> None:
        if index == 1:
            self._set(self._defaults)
        elif index > 1 and self._presets:
            self._set(self._presets.values(self.list.currentText()))

    def _ask_and_save(self) -> None:
        name, is_given = QtWidgets.QInputDialog.getText(self, _("Save preset"), _("Name:"))
        if is_given:
            self.save(name)

    def _delete(self) -> None:
        if self.list.currentIndex() >= len(FIRST) and self._presets:
            self._presets.delete(self.list.currentText())
            self._fill()

    def _try(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except RheostatError as error:
            self._say(str(error), True)
