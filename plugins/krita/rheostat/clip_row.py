"""The rows of the docker for animated layers: keys of the sliders over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from krita import Krita
from rheostat_client.controls import Control
from rheostat_client.keyframes import at
from rheostat_client.texts import _

from .qt import QtWidgets

Values = dict[str, float]


class ClipRow(QtWidgets.QGroupBox):  # type: ignore[misc]  # PyQt has no types
    """Sets and removes keys at the frame that is shown; the sliders follow them."""

    def __init__(
        self, get: Callable[[], Values], set: Callable[[Values], None], apply: Callable[[], None]
    ) -> None:
        """Over sliders that `get` reads and `set` moves; `apply` filters the clip."""
        super().__init__(_("Clip"))
        self._get, self._set = get, set
        self._controls: Sequence[Control] = ()
        self._frame = -1
        self.keys: dict[int, Values] = {}
        self.label = QtWidgets.QLabel()
        grid = QtWidgets.QGridLayout(self)
        self.key = self._button(_("Key here"), self._keep)
        self.key.setToolTip(
            _("Keep the sliders' values for this frame; between keys they move evenly")
        )
        self.remove = self._button(_("Remove key"), self._remove)
        self.apply = self._button(_("Apply to clip"), apply)
        self.apply.setToolTip(_("Filter every drawing that is played, as an animated layer"))
        grid.addWidget(self.label, 0, 0, 1, 2)
        grid.addWidget(self.key, 1, 0)
        grid.addWidget(self.remove, 1, 1)
        grid.addWidget(self.apply, 2, 0, 1, 2)
        self.show_keys({}, ())

    def show_keys(self, keys: dict[int, Values], controls: Sequence[Control]) -> None:
        """Have these keys, of these controls."""
        self.keys, self._controls = dict(keys), controls
        frames = ", ".join(map(str, sorted(self.keys)))
        self.label.setText(_("Keys: {frames}").format(frames=frames) if keys else _("no keys"))
        self.remove.setEnabled(bool(self.keys))

    def look(self, document: Any) -> None:
        """Move the sliders to where they are at the frame that is shown."""
        frame = document.currentTime()
        if frame != self._frame:
            self._frame = frame
            if self.keys:
                self._set(at(self.keys, self._controls, frame))

    def all_keys(self) -> dict[int, Values]:
        """The keys; one at the first frame if there is none."""
        return self.keys or {0: self._get()}

    def _button(self, label: str, act: Callable[[], None]) -> Any:
        button = QtWidgets.QPushButton(label)
        button.clicked.connect(lambda _on=False: act())
        return button

    def _keep(self) -> None:
        document = Krita.instance().activeDocument()
        if document:
            keys = {**self.keys, document.currentTime(): self._get()}
            self.show_keys(keys, self._controls)

    def _remove(self) -> None:
        document = Krita.instance().activeDocument()
        if document and self.keys:
            frame = document.currentTime()
            nearest = min(self.keys, key=lambda each: abs(each - frame))
            keys = {f: v for f, v in self.keys.items() if f != nearest}
            self.show_keys(keys, self._controls)
