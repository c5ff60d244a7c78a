"""The dialog of a model: a slider per control, presets, maps, and the canvas that follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
import layers
import presets_row
import sources
from answer import Answer
from gi.repository import Gimp, GimpUi, GLib, Gtk
from loop import GLibLoop
from preview import PreviewLayer, sweep
from rheostat_client import installed
from rheostat_client.canvas import Canvas
from rheostat_client.connection import Region, Rendered
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Progress
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Event, Finished, Piece
from rheostat_client.sessions import Session
from rheostat_client.texts import _

FOCUS = 512  # pixels; the middle of the layer, shown first and while the hand moves


class Dialog:
    """Shows the result of the newest position on the canvas, and renders it in full at the end."""

    def __init__(
        self,
        procedure: Any,
        config: Any,
        model: ModelInfo,
        image: Any,
        chosen: Sequence[Any],
        boxes: Sequence[Region],
        above: Any,
    ) -> None:
        """For `boxes` in the layers `chosen`; the first is previewed, directly above `above`."""
        GimpUi.init("rheostat")
        self._config, self._model, self._image = config, model, image
        self._chosen, self._boxes = list(chosen), list(boxes)
        self._box = self._boxes[0]  # of the layer that is rendered
        sweep(image)
        self._window = GimpUi.ProcedureDialog.new(procedure, config, model.name)
        self._maps: dict[str, Any] = {}
        self._status = Gtk.Label(xalign=0, wrap=True, max_width_chars=46)
        self._bar = Gtk.ProgressBar(no_show_all=True)
        self._loop: Any = None
        self._canvas: Canvas | None = None
        self._result: Rendered | None = None
        self._preview = PreviewLayer(image, self._chosen[0], above, self._boxes[0])
        self._session = self._open(self._chosen[0])
        self._fill()

    def run(self) -> Answer | None:
        """Let the user choose; None if the dialog was cancelled."""
        self._ask()
        self._window.connect("response", self._respond)
        self._window.connect("delete-event", lambda *_: self._loop is not None)
        try:
            while self._window.run():
                results = self._render()
                if results is not None:
                    return Answer(self._values(), dict(self._maps), results)
            return None
        finally:
            self._preview.hide()
            self._session.close()
            self._window.destroy()

    def _fill(self) -> None:
        box = self._window.get_content_area()
        row = presets_row.PresetsRow(self._window, self._model, self._values, self._set)
        box.pack_start(row.widget, False, False, 4)
        for control in self._model.controls:
            _describe(self._window.get_scale_entry(control.id, 1.0), control)
        self._window.fill([control.id for control in self._model.controls])
        for control in self._model.controls:
            if control.map and self._model.scale == 1:
                box.pack_start(self._map_row(control), False, False, 2)
        if self._model.scale == 1:
            self._window.fill(["preview"])
        for widget in (self._bar, self._status):
            box.pack_start(widget, False, False, 4)
        for name in (*(control.id for control in self._model.controls), "preview"):
            self._config.connect(f"notify::{name}", lambda *_: self._ask())
        box.show_all()

    def _map_row(self, control: Control) -> Any:
        row = Gtk.Box(spacing=6)
        row.pack_start(
            Gtk.Label(label=_("{control}: painted by").format(control=control.label), xalign=0),
            False,
            False,
            0,
        )
        choice = Gtk.ComboBoxText()
        choice.set_tooltip_text(
            _("White has the slider's value, black leaves the picture alone, grey lies between.")
        )
        items = [None, *sources.maps(self._image)]
        for item in items:
            choice.append_text(item.get_name() if item else _("nothing, the same everywhere"))
        before = sources.map_names(self._config.get_property("maps")).get(control.id)
        names = [item.get_name() if item else None for item in items]
        choice.set_active(names.index(before) if before in names else 0)
        if choice.get_active() > 0:
            self._maps[control.id] = items[choice.get_active()]

        def changed(_choice: Any) -> None:
            item = items[choice.get_active()]
            self._maps.pop(control.id, None)
            if item is not None:
                self._maps[control.id] = item
            self._config.set_property("maps", sources.map_words(self._maps))
            self._session.send_maps(self._painted(self._chosen[0]))
            self._ask()

        choice.connect("changed", changed)
        row.pack_start(choice, True, True, 0)
        return row

    def _values(self) -> dict[str, float]:
        return {c.id: self._config.get_property(c.id) for c in self._model.controls}

    def _set(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._config.set_property(name, value)

    def _painted(self, layer: Any) -> dict[str, layers.Pixels]:
        return {control: layers.read_map(item, layer) for control, item in self._maps.items()}

    def _open(self, layer: Any) -> Session:
        pixels, maps = layers.read(layer), self._painted(layer)
        start = installed.start_command()
        return Session(GLibLoop(), start, "GIMP", self._model.id, pixels, maps, self._hear)

    def _ask(self) -> None:
        """Show the position the sliders stand at."""
        if self._loop is not None:
            return
        if self._model.scale > 1 or not self._config.get_property("preview"):
            self._session.cancel()
            self._preview.hide()
            return
        box = self._boxes[0]
        self._session.ask(self._values(), box, _middle(box), "preview")

    def _render(self) -> list[Rendered] | None:
        """Every layer in full; None if that was cancelled or failed."""
        self._preview.hide()
        self._loop = GLib.MainLoop()
        self._window.set_response_sensitive(Gtk.ResponseType.OK, False)
        self._bar.set_no_show_all(False)
        self._bar.show()
        results: list[Rendered] = []
        try:
            for number, (layer, box) in enumerate(zip(self._chosen, self._boxes)):
                if number:
                    self._session.close()
                    self._session = self._open(layer)
                self._box = box
                self._canvas, self._result = None, None
                self._session.ask(self._values(), box, None, "apply")
                self._loop.run()
                if self._result is None:
                    return None
                results.append(self._result)
            return results
        finally:
            self._loop = None
            self._bar.hide()
            self._window.set_response_sensitive(Gtk.ResponseType.OK, True)

    def _respond(self, _window: Any, response: int) -> None:
        if self._loop is not None and response != Gtk.ResponseType.OK:
            self._session.cancel()
            self._say(_("The filter was cancelled."))
            self._loop.quit()

    def _hear(self, event: Event | str) -> None:
        if isinstance(event, str):
            self._say(_("The daemon is being reached…"))
        elif isinstance(event, Progress):
            self._show_progress(event)
        elif isinstance(event, RheostatError):
            self._say(str(event), is_problem=True)
            if self._loop is not None:
                self._loop.quit()
        elif isinstance(event, Piece):
            self._show(event)
        else:
            self._finish(event)

    def _show(self, piece: Piece) -> None:
        if self._loop is None:
            self._preview.show(piece)
            Gimp.displays_flush()
            return
        if self._canvas is None:
            x, y, width, height = (self._model.scale * number for number in self._box)
            self._canvas = Canvas((x, y, width, height), piece.format)
        self._canvas.paste(piece, [piece.pixels])

    def _finish(self, end: Finished) -> None:
        self._say(f"{end.device}: {end.milliseconds:.0f} ms")
        if self._loop is not None and self._canvas is not None:
            self._result = Rendered(
                *self._canvas.region,
                self._canvas.format,
                self._canvas.pixels(),
                end.settings,
                end.milliseconds,
                end.device,
            )
            self._loop.quit()

    def _show_progress(self, progress: Progress) -> None:
        share = progress.done / max(1, progress.total)
        left = f", {progress.left / 1000:.0f} s left" if progress.left >= 1500 else ""
        self._bar.set_fraction(share)
        self._say(f"{progress.state.capitalize()}: {100 * share:.0f} %{left}")

    def _say(self, text: str, is_problem: bool = False) -> None:
        escaped = GLib.markup_escape_text(text)
        self._status.set_markup(f"<b>{escaped}</b>" if is_problem else escaped)


def _describe(entry: Any, control: Control) -> None:
    entry.set_bounds(*control.soft, True)  # the slider's travel; the number beside it goes further
    entry.set_logarithmic(control.curve == "log")
    entry.set_digits(control.digits)
    entry.set_increments(control.step, 10 * control.step)
    unit = "" if control.unit == "artistic" else _(" Unit: {unit}.").format(unit=_(control.unit))
    entry.set_tooltip_text(control.help + unit)
    scale = entry.get_range()
    for value, word in zip(control.soft, control.ends):
        if word:
            scale.add_mark(value, Gtk.PositionType.BOTTOM, f"<small>{word}</small>")
    if control.off is not None and control.soft[0] < control.off < control.soft[1]:
        scale.add_mark(control.off, Gtk.PositionType.TOP, f"<small>{_('off')}</small>")


def _middle(box: Region) -> Region:
    x, y, width, height = box
    across, down = min(width, FOCUS), min(height, FOCUS)
    return x + (width - across) // 2, y + (height - down) // 2, across, down
