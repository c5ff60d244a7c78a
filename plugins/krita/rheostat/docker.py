"""The docker: models, sliders, a preview that follows them, and Apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krita import DockWidget, Krita
from rheostat_client import installed
from rheostat_client.canvas import Canvas
from rheostat_client.connection import Region, Rendered
from rheostat_client.controls import title
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Progress
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Event, Finished, Piece
from rheostat_client.sessions import Session

from . import nodes
from .loop import QtLoop
from .overlay import Overlay, canvas_of
from .presets_row import PresetsRow
from .qt import QtWidgets
from .sliders import ControlRow

FOCUS = 512  # pixels; the middle of the layer, shown first and while the hand moves
LOOK = 200  # milliseconds between two looks at which layer is active


class Docker(DockWidget):  # type: ignore[misc]  # krita has no types
    """One for each main window."""

    def __init__(self) -> None:
        """Krita calls this when it opens the window."""
        super().__init__()
        self.setWindowTitle("Rheostat")
        self._models = installed.models()
        self._rows: list[ControlRow] = []
        self._source: nodes.Source | None = None  # what is previewed, or being applied
        self._painted: dict[str, Any] = {}  # nodes that are maps, by control id
        self._result: Any = None  # the layer that Apply is to replace
        self._session: Session | None = None
        self._overlay: Overlay | None = None
        self._canvas: Canvas | None = None  # while Apply collects its result
        self._is_applying = False
        self._active = ""  # id of the layer that was active at the last look
        self._loop = QtLoop(self)
        self._build()
        if self._models:
            self._choose(0)
        self._loop.repeat(LOOK, self._look)

    def canvasChanged(self, _canvas: Any) -> None:  # noqa: N802
        """Another document is in front, or none."""
        self.cancel()

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
        for row in self._rows:
            if row.control.id in values:
                row.set_value(values[row.control.id])

    @property
    def model(self) -> ModelInfo:
        """The model that is chosen."""
        index: int = self.chooser.currentIndex()
        return self._models[index]

    def cancel(self) -> None:
        """Take the preview away, and stop what is being rendered; the document is as it was."""
        if self._is_applying:
            self._end_apply("The filter was cancelled.")
        if self._session:
            self._session.close()
        if self._overlay:
            self._overlay.hide()
            self._overlay.deleteLater()
        self._session = self._source = self._overlay = None

    def ask(self) -> None:
        """Show on the canvas what the sliders do."""
        if self._is_applying or not self.preview.isChecked() or self.model.scale > 1:
            return
        self._try(self._preview)

    def apply(self) -> None:
        """Render in full, and put the result above its source, or in place of the old result."""
        self.cancel()
        if self._open("F32"):
            assert self._session is not None
            assert self._source is not None
            self._is_applying, self._canvas = True, None
            self.button.setEnabled(False)
            self.bar.show()
            self._session.ask(self.values, self._box(), None, "apply")

    def _build(self) -> None:
        widget = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(widget)
        self.chooser = QtWidgets.QComboBox()
        self.chooser.addItems([model.name for model in self._models])
        self.chooser.currentIndexChanged.connect(self._choose)
        self.chooser.activated.connect(lambda _index: self.ask())
        self._presets = PresetsRow(lambda: self.values, self.set_values, self._say)
        self._sliders = QtWidgets.QVBoxLayout()
        self.preview = QtWidgets.QCheckBox("Preview")
        self.preview.setChecked(True)
        self.preview.toggled.connect(lambda on: self.ask() if on else self.cancel())
        self.button = QtWidgets.QPushButton("Apply")
        self.button.clicked.connect(lambda: self._try(self.apply))
        self.stop = QtWidgets.QPushButton("Cancel")
        self.stop.clicked.connect(self.cancel)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.status = QtWidgets.QLabel("" if self._models else "There is no model.")
        self.status.setWordWrap(True)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.button)
        buttons.addWidget(self.stop)
        column.addWidget(self.chooser)
        column.addWidget(self._presets)
        column.addLayout(self._sliders)
        column.addWidget(self.preview)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addStretch(1)
        self.setWidget(widget)

    def _choose(self, _index: int) -> None:
        self.cancel()
        for row in self._rows:
            self._sliders.removeWidget(row)
            row.deleteLater()
        self._rows = [ControlRow(control, self.ask) for control in self.model.controls]
        for row in self._rows:
            self._sliders.addWidget(row)
            row.map.setVisible(row.control.map and self.model.scale == 1)
            row.map.find = _names
        self._presets.show_model(self.model)
        self.chooser.setToolTip(self.model.summary)

    def _look(self) -> bool:
        """Follow the active layer: a result brings its settings back, any other ends a preview."""
        document = Krita.instance().activeDocument()
        node = document.activeNode() if document else None
        active = node.uniqueId().toString() if node else ""
        if active != self._active and not self._is_applying:
            self._active = active
            if not (self._source and node and node == self._source.node):
                self.cancel()
            settings = nodes.record(document, node) if node else None
            if settings and any(model.id == settings.model for model in self._models):
                self.choose(settings.model)
                self.set_values(dict(settings.controls))
                for row in self._rows:
                    row.map.choose(settings.maps.get(row.control.id, {}).get("name", ""))
                self.cancel()  # nobody has moved a slider
                self._say(f"Made from '{settings.source.get('name', '?')}'; Apply replaces it.")
        return True

    def _preview(self) -> None:
        chosen = {row.control.id: row.map.chosen for row in self._rows if row.map.chosen}
        if chosen != {control: node.name() for control, node in self._painted.items()}:
            self.cancel()
        if self._session is None and not self._open("U8"):
            return
        assert self._session is not None
        box = self._box()
        self._session.ask(self.values, box, _middle(box), "preview")

    def _open(self, depth: str) -> bool:
        """Read the layer to filter: the active one, or what the active result was made from."""
        document = Krita.instance().activeDocument()
        node = document.activeNode() if document else None
        if node is None:
            self._say("Open a picture and select a layer.", is_problem=True)
            return False
        settings = nodes.record(document, node)
        self._result = node if settings else None
        origin = nodes.origin(document, settings) if settings else node
        self._source = source = nodes.read(document, origin, depth)
        self._painted = self._maps(document)
        maps = {c: nodes.read_map(document, n, source) for c, n in self._painted.items()}
        pixels = (source.data, source.format, source.width, source.height)
        start = installed.start_command()
        self._session = Session(self._loop, start, "Krita", self.model.id, pixels, maps, self._hear)
        return True

    def _maps(self, document: Any) -> dict[str, Any]:
        """The nodes that were chosen as maps, by control id."""
        known = {node.name(): node for node in nodes.maps(document)}
        chosen = {row.control.id: row.map.chosen for row in self._rows if row.map.chosen}
        for name in chosen.values():
            if name not in known:
                raise RheostatError(
                    "no-source", f"There is no layer or mask '{name}'.", "Choose another as map."
                )
        return {control: known[name] for control, name in chosen.items()}

    def _box(self) -> Region:
        assert self._source is not None
        return 0, 0, self._source.width, self._source.height

    def _hear(self, event: Event | str) -> None:
        if isinstance(event, str):
            self._say("The daemon is being reached…")
        elif isinstance(event, Progress):
            share = event.done / max(1, event.total)
            left = f", {event.left / 1000:.0f} s left" if event.left >= 1500 else ""
            self.bar.setValue(round(1000 * share))
            self._say(f"{event.state.capitalize()}: {100 * share:.0f} %{left}")
        elif isinstance(event, RheostatError):
            if self._is_applying:
                self._end_apply("")
            self._say(str(event), is_problem=True)
        elif isinstance(event, Piece):
            self._show(event)
        elif isinstance(event, Finished):
            self._finish(event)

    def _show(self, piece: Piece) -> None:
        assert self._source is not None
        if self._is_applying:
            if self._canvas is None:
                x, y, width, height = (self.model.scale * number for number in self._box())
                self._canvas = Canvas((x, y, width, height), piece.format)
            self._canvas.paste(piece, [piece.pixels])
            return
        if self._overlay is None:
            window = Krita.instance().activeWindow()
            canvas = canvas_of(window) if window else None
            if canvas is None:
                return
            self._overlay = Overlay(canvas, window.activeView(), self._source)
        self._overlay.show_piece(piece)

    def _finish(self, end: Finished) -> None:
        if self._is_applying:
            self._try(lambda: self._commit(end))
        self._say(f"{end.device}: {end.milliseconds:.0f} ms")

    def _commit(self, end: Finished) -> None:
        canvas, source = self._canvas, self._source
        self._end_apply("")
        assert canvas is not None
        assert source is not None
        rendered = Rendered(
            *canvas.region,
            canvas.format,
            canvas.pixels(),
            end.settings,
            end.milliseconds,
            end.device,
        )
        document = Krita.instance().activeDocument()
        name = title(self.model.name, self.model.controls, self.values)
        if self.model.scale > 1:
            nodes.enlarge(source, rendered, name)
        else:
            self._active = nodes.apply(
                document, source, rendered, name, self._painted, self._result
            )
        self.cancel()

    def _end_apply(self, words: str) -> None:
        self._is_applying, self._canvas = False, None
        self.button.setEnabled(True)
        self.bar.hide()
        if words:
            self._say(words)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RheostatError as error:
            self._say(str(error), is_problem=True)

    def _say(self, text: str, is_problem: bool = False) -> None:
        self.status.setStyleSheet("font-weight: bold" if is_problem else "")
        self.status.setText(text)


def _names() -> list[str]:
    """The names of all that can be a map in the document in front."""
    document = Krita.instance().activeDocument()
    return [node.name() for node in nodes.maps(document)] if document else []


def _middle(box: Region) -> Region:
    x, y, width, height = box
    across, down = min(width, FOCUS), min(height, FOCUS)
    return x + (width - across) // 2, y + (height - down) // 2, across, down
