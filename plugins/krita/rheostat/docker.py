"""The docker: models, sliders, a preview that follows them, and Apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krita import DockWidget, Krita
from rheostat_client import installed
from rheostat_client.comparing import Split
from rheostat_client.errors import RheostatError
from rheostat_client.keyframes import from_plain
from rheostat_client.models import ModelInfo
from rheostat_client.texts import _

from . import nodes, records
from .apply import Apply
from .clip import Clip
from .clip_row import ClipRow, Values
from .compare_row import CompareRow
from .loop import QtLoop
from .nodes import Subject
from .presets_row import PresetsRow
from .preview import Preview
from .qt import QtWidgets
from .sliders import ControlRow, Take

LOOK = 100  # milliseconds between two looks at what is active, in sight, and painted on


class Docker(DockWidget):  # type: ignore[misc]  # krita has no types
    """One for each main window."""

    def __init__(self) -> None:
        """Krita calls this when it opens the window."""
        super().__init__()
        self.setWindowTitle("Rheostat")
        self._models = installed.models()
        self._rows: list[ControlRow] = []
        self._preview: Preview | None = None
        self._apply: Apply | Clip | None = None
        self._active = ""  # id of the layer that was active at the last look
        self._loop = QtLoop(self)
        self._build()
        self._notifier = Krita.instance().notifier()
        self._notifier.setActive(True)
        self._notifier.imageClosed.connect(self._leave)
        if self._models:
            self._choose(0)
            self._loop.repeat(LOOK, self._look)

    def canvasChanged(self, _canvas: Any) -> None:  # noqa: N802
        """Another document is in front, or none; what is being applied goes on."""
        preview = self._preview
        if preview and preview.subject.document != Krita.instance().activeDocument():
            self.cancel()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Nobody can see what the sliders are any more; what is being applied goes on."""
        if not self._apply:
            self.cancel()
        super().closeEvent(event)

    def choose(self, model: str) -> None:
        """Show the sliders of the model of that id."""
        ids = [each.id for each in self._models]
        if model in ids:
            self.chooser.setCurrentIndex(ids.index(model))

    @property
    def values(self) -> dict[str, float]:
        """Where the sliders stand."""
        return {row.control.id: row.value for row in self._rows}

    def set_values(self, values: dict[str, float]) -> None:
        """Move the sliders that `values` names."""
        before = self.values
        self._put(values)
        if self.values != before:
            self.ask()

    @property
    def model(self) -> ModelInfo:
        """The model that is chosen."""
        index: int = self.chooser.currentIndex()
        return self._models[index]

    @property
    def is_applying(self) -> bool:
        """Whether a full render is on its way."""
        return self._apply is not None

    @property
    def preview(self) -> Preview | None:
        """What lies over the canvas."""
        return self._preview

    def cancel(self) -> None:
        """Take the preview away, and stop what is being rendered; the document is as it was."""
        if self._apply:
            self._apply.stop()
            self._end_apply()
        self._close_preview()

    def ask(self) -> None:
        """Show on the canvas what the sliders do."""
        if self._apply or not self.compare.preview.isChecked() or self.model.scale > 1:
            return
        painted = self._preview.subject.painted if self._preview else {}
        if not self._preview or self._chosen != {c: node.name() for c, node in painted.items()}:
            self._try(self._open)
        if self._preview:
            self._preview.ask(self.values)

    def apply(self) -> None:
        """Render in full, and put the result above its source, or in place of the old result."""
        if not self._apply:
            self._try(lambda: self._begin())

    def apply_to_clip(self) -> None:
        """Render all frames of the layer, as an animated layer."""
        if not self._apply:
            self._try(lambda: self._begin(is_clip=True))

    def say(self, words: str, is_problem: bool = False) -> None:
        """Show a line below everything else."""
        self.status.setStyleSheet("font-weight: bold" if is_problem else "")
        self.status.setText(words)

    @property
    def _chosen(self) -> dict[str, str]:
        """The names of the maps that are chosen, by control id."""
        return {row.control.id: row.map.chosen for row in self._rows if row.map.chosen}

    def _build(self) -> None:
        widget = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(widget)
        self.chooser = QtWidgets.QComboBox()
        self.chooser.addItems([model.name for model in self._models])
        self.chooser.currentIndexChanged.connect(self._choose)
        self.chooser.activated.connect(lambda _index: self.ask())
        self._presets = PresetsRow(lambda: self.values, self.set_values, self.say)
        self._sliders = QtWidgets.QVBoxLayout()
        self.compare = CompareRow(lambda: self.values, self.set_values, self._switch, self._split)
        self.clip = ClipRow(lambda: self.values, self._follow, self.apply_to_clip)
        self.clip.hide()
        self.button = QtWidgets.QPushButton(_("Apply"))
        self.button.clicked.connect(self.apply)
        self.stop = QtWidgets.QPushButton(_("Cancel"))
        self.stop.clicked.connect(self.cancel)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.status = QtWidgets.QLabel("" if self._models else _("There is no model."))
        self.status.setWordWrap(True)
        self.origin = QtWidgets.QLabel()
        self.origin.setWordWrap(True)
        self.origin.hide()
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.button)
        buttons.addWidget(self.stop)
        column.addWidget(self.chooser)
        column.addWidget(self._presets)
        column.addLayout(self._sliders)
        column.addWidget(self.compare)
        column.addWidget(self.clip)
        column.addWidget(self.origin)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addStretch(1)
        widget.setEnabled(bool(self._models))
        self.setWidget(widget)

    def _choose(self, _index: int) -> None:
        """Show the sliders of another model; what is being applied goes on."""
        self._close_preview()
        for row in self._rows:
            self._sliders.removeWidget(row)
            row.deleteLater()
        self._rows = [ControlRow(c, self.ask, self._estimate) for c in self.model.controls]
        for row in self._rows:
            self._sliders.addWidget(row)
            row.map.setVisible(row.control.map and self.model.scale == 1)
            row.map.find = _names
        self._presets.show_model(self.model)
        self.clip.show_keys({}, self.model.controls)
        self.chooser.setToolTip(self.model.summary)

    def _put(self, values: Mapping[str, float]) -> None:
        for row in self._rows:
            if row.control.id in values:
                row.put(values[row.control.id])

    def _follow(self, values: Values) -> None:
        """Another frame of a clip is shown, which is no reason to begin a preview."""
        self._put(values)
        if self._preview:
            self.ask()

    def _estimate(self, control: str, take: Take) -> None:
        if self._apply:
            return
        if not self._preview:
            self._try(self._open)
        if self._preview:
            self._preview.estimate(control, take)

    def _switch(self, is_on: bool) -> None:
        if is_on:
            self.ask()
        elif self._preview:
            self.cancel()

    def _split(self, split: Split) -> None:
        if self._preview:
            self._preview.split(split)

    def _look(self) -> bool:
        document = Krita.instance().activeDocument()
        node = document.activeNode() if document else None
        active = node.uniqueId().toString() if node else ""
        if active != self._active and not self._apply:
            self._active = active
            self._turn_to(document, node)
        elif self._preview:
            self._preview.look()
        is_clip = node is not None and self.model.scale == 1 and bool(node.animated())
        self.clip.setVisible(is_clip)  # a layer may become animated while it is active
        if is_clip and not self._apply:
            self.clip.look(document)
        return True

    def _leave(self, _file: str) -> None:
        """A document was closed."""
        if self._apply and self._apply.subject.document not in Krita.instance().documents():
            self.cancel()

    def _turn_to(self, document: Any, node: Any) -> None:
        """Follow the active layer; a result brings its settings back."""
        before = self._preview
        if before and node and node in before.subject.painted.values():
            return  # an artist paints on a map and watches what it does
        self.cancel()
        settings = records.record(document, node) if node else None
        self.origin.clear()
        self.origin.hide()
        if settings and any(model.id == settings.model for model in self._models):
            self.choose(settings.model)
            self._put(settings.controls)
            for row in self._rows:
                row.map.choose(settings.maps.get(row.control.id, {}).get("name", ""))
            source = settings.source
            keys = from_plain(source.get("keys"), self.model.controls)
            self.clip.show_keys(keys, self.model.controls)
            name = source.get("name", source.get("file", "?"))
            self._show_origin(name, is_from_here=records.is_from_here(settings))
        if before and node:
            self.ask()

    def _show_origin(self, name: str, *, is_from_here: bool) -> None:
        """Say what the active layer was made from, where no progress overwrites it."""
        if is_from_here:
            words = _("Made from '{name}'; Apply replaces it.")
        else:
            words = _("Made from '{name}'; Apply filters it once more.")
        self.origin.setText(words.format(name=name))
        self.origin.show()

    def _close_preview(self) -> None:
        if self._preview:
            self._preview.close()
            self._preview = None

    def _find(self) -> Subject:
        document = Krita.instance().activeDocument()
        node = document.activeNode() if document else None
        if node is None:
            raise RheostatError(
                "bad-picture", _("No layer is selected."), _("Open a picture and select one.")
            )
        kept = self._preview.subject if self._preview else None
        if kept and node in kept.painted.values():
            node = kept.result or kept.node
        return nodes.find(document, node, self._chosen)

    def _open(self) -> None:
        subject = self._find()
        self.cancel()
        split, divide = self.compare.split, self.compare.divide
        self._preview = Preview(self._loop, self.model, subject, split, divide, self.say)

    def _begin(self, is_clip: bool = False) -> None:
        subject = self._find()
        if is_clip:
            subject = subject._replace(painted={})  # maps are for single pictures
        self.cancel()
        self.button.setEnabled(False)
        self._advance(0.0)
        self.bar.show()
        tell = (self.say, self._advance, self._finish)
        if is_clip:
            self._apply = Clip(self._loop, self.model, self.clip.all_keys(), subject, *tell)
        else:
            self._apply = Apply(self._loop, self.model, self.values, subject, *tell)

    def _advance(self, share: float) -> None:
        self.bar.setValue(round(1000 * share))

    def _finish(self, layer: str) -> None:
        if layer and self._apply:
            self._active = layer  # it is no news that it is active
            self._show_origin(self._apply.subject.node.name(), is_from_here=True)
        self._end_apply()

    def _end_apply(self) -> None:
        self._apply = None
        self.button.setEnabled(True)
        self.bar.hide()

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RheostatError as error:
            self.say(str(error), is_problem=True)


def _names() -> list[str]:
    """The names of all that can be a map in the document in front."""
    document = Krita.instance().activeDocument()
    return [node.name() for node in nodes.maps(document)] if document else []
