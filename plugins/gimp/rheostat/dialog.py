"""The dialog of a model: a slider per control, ways to compare, and the canvas that follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
import layers
from answer import Answer
from compare_row import CompareRow
from gi.repository import GimpUi, GLib, Gtk
from loop import GLibLoop
from maps_rows import MapsRows
from places import IMAGE, Place, output, overwritten
from presets_row import PresetsRow
from preview import PreviewLayer, sweep
from rheostat_client import installed
from rheostat_client.comparing import Split
from rheostat_client.connection import Rendered
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Piece
from rheostat_client.texts import _
from rheostat_client.workbench import Workbench
from slider import Slider


class Dialog:
    """Shows the result of the newest position on the canvas, and renders it in full at the end.

    It is the Screen of its workbench.
    """

    def __init__(
        self,
        procedure: Any,
        config: Any,
        model: ModelInfo,
        image: Any,
        find: Callable[[str], list[Place]],
        others: list[ModelInfo],
    ) -> None:
        """`find` gives the places for what the argument `source` says; the first is previewed.

        `others` are the models to which one may change.
        """
        GimpUi.init("rheostat")
        self._config, self._model, self._image, self._find = config, model, image, find
        sweep(image)
        self._window = GimpUi.ProcedureDialog.new(procedure, config, model.name)
        self._status = Gtk.Label(xalign=0, wrap=True, max_width_chars=46)
        self._bar = Gtk.ProgressBar(no_show_all=True)
        self._inputs = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        self._loop: Any = None  # while it renders in full
        self._full: Workbench  # that does
        self._result: Rendered | None = None
        self._is_stopped = False  # the last full render was, by the user
        self._other: ModelInfo | None = None
        controls = [c for c in model.controls if c.map and model.scale == 1]
        self._maps = MapsRows(image, config, controls, self._ask)
        self._compare = CompareRow(config, self._values, self._set, self._split)
        self._start()
        self._fill(others)

    def run(self) -> Answer | ModelInfo | None:
        """Let the user choose; None if the dialog was cancelled, a model to go on with another."""
        self._ask()
        self._window.connect("response", self._respond)
        self._window.connect("delete-event", lambda *_: self._loop is not None)
        try:
            while self._window.run():
                answer = self._render()
                if answer is not None:
                    return answer
                if self._is_stopped:
                    self._move()
            return self._other
        finally:
            self._preview.hide()
            self._bench.close()
            self._window.destroy()

    def show(self, piece: Piece) -> None:
        """Put a finished piece of a preview on the canvas."""
        self._preview.show(piece)

    def say(self, words: str, is_problem: bool = False) -> None:
        """Show a line below everything else."""
        escaped = GLib.markup_escape_text(words)
        self._status.set_markup(f"<b>{escaped}</b>" if is_problem else escaped)

    def progress(self, share: float) -> None:
        """Show how much of the full render is done."""
        self._bar.set_fraction(share)

    def finish(self, result: Rendered | None) -> None:
        """The full render of one place is over."""
        self._result = result
        if self._loop is not None:
            self._loop.quit()

    def _fill(self, others: list[ModelInfo]) -> None:
        model, box = self._model, self._window.get_content_area()
        presets = PresetsRow(self._window, model, self._values, self._set)
        sliders = Gtk.Grid(column_spacing=6, row_spacing=4)
        taken = set("lshrocfvput")  # access keys of everything else in the dialog
        for row, control in enumerate(model.controls):
            choose = partial(self._config.set_property, control.id)
            label = with_access_key(control.label, taken)
            slider = Slider(control, label, choose, self._estimate)
            slider.attach(sliders, row)
            slider.show(self._config.get_property(control.id))
            self._config.connect(f"notify::{control.id}", self._follow, control.id, slider)
        rows = [self._chooser(others)] if others else []
        rows += [presets.widget, sliders]
        rows += [self._maps.widget, self._compare.widget] if model.scale == 1 else []
        for each in rows:
            self._inputs.pack_start(each, False, False, 0)
        if others:
            choices = ["source", "output"] if model.scale == 1 else ["source"]
            chosen = self._window.fill_box("choices", choices)
            self._inputs.pack_start(chosen, False, False, 0)
            self._config.connect("notify::source", lambda *_: self._move())
        box.pack_start(self._inputs, False, False, 4)
        for widget in (self._bar, self._status):
            box.pack_start(widget, False, False, 4)
        self._config.connect("notify::preview", lambda *_: self._ask())
        box.show_all()

    def _chooser(self, others: list[ModelInfo]) -> Any:
        row = Gtk.Box(spacing=6)
        label = Gtk.Label.new_with_mnemonic(_("_Filter:"))
        choice = Gtk.ComboBoxText()
        label.set_mnemonic_widget(choice)
        for model in others:
            choice.append(model.id, model.name)
        choice.set_active_id(self._model.id)
        choice.connect("changed", lambda _: self._change(others[choice.get_active()]))
        row.pack_start(label, False, False, 0)
        row.pack_start(choice, True, True, 0)
        return row

    def _change(self, model: ModelInfo) -> None:
        self._other = model
        self._window.response(Gtk.ResponseType.CANCEL)

    def _values(self) -> dict[str, float]:
        return {c.id: self._config.get_property(c.id) for c in self._model.controls}

    def _set(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._config.set_property(name, value)

    def _estimate(self, control: str, answer: Callable[[float], None]) -> None:
        self._bench.estimate(control, answer)

    def _follow(self, config: Any, _: Any, name: str, slider: Slider) -> None:
        slider.show(config.get_property(name))
        self._ask()

    def _start(self) -> None:
        found = self._find(self._config.get_property("source"))
        painters = dict(self._maps.chosen)
        self._bench, self._places = self._open(found[0], painters), found
        self._painters = painters
        self._preview = PreviewLayer(self._image, found[0])
        self._preview.split(self._compare.split)

    def _restart(self) -> None:
        """Have places and pixels as they are now: others work on the image meanwhile."""
        self._preview.hide()
        before = self._bench
        self._start()
        before.close()

    def _move(self) -> None:
        """Filter what the argument `source` says now."""
        if self._loop is not None:  # it was changed by Reset, or by saved settings
            self._cancel()
            return
        try:
            self._restart()
        except RheostatError as error:
            if self._config.get_property("source") != IMAGE:
                self._config.set_property("source", IMAGE)  # that is always there
            self.say(str(error), is_problem=True)
            return
        self._ask()

    def _open(self, place: Place, painters: dict[str, Any]) -> Workbench:
        start, pixels = installed.start_command(), layers.read(place.layer)
        maps = layers.read_maps(painters, place.layer)
        return Workbench(GLibLoop(), start, "GIMP", self._model, pixels, maps, place.box, self)

    def _repaint(self) -> None:
        """Have the maps that are chosen now."""
        painters = dict(self._maps.chosen)
        if painters != self._painters:
            self._bench.send_maps(layers.read_maps(painters, self._places[0].layer))
            self._painters = painters

    def _split(self, split: Split) -> None:
        self._preview.split(split)

    def _ask(self) -> None:
        """Show the position the sliders stand at, painted by the maps that are chosen."""
        if self._loop is not None:
            return
        try:
            self._repaint()
        except RheostatError as error:
            self._bench.stop()
            self.say(str(error), is_problem=True)
            return
        if self._config.get_property("preview"):
            self._bench.preview(self._values())
        else:
            self._bench.stop()
            self._preview.hide()

    def _render(self) -> Answer | None:
        """Every place in full; None if that was cancelled or failed."""
        # Reset and saved settings may change them before it is done.
        values, wanted = self._values(), output(self._config, self._model)
        self._loop, self._is_stopped = GLib.MainLoop(), False
        self._window.set_response_sensitive(Gtk.ResponseType.OK, False)
        self._inputs.set_sensitive(False)
        self._bar.set_no_show_all(False)
        self._bar.show()
        results: list[Rendered] = []
        try:
            self._restart()
            overwritten(self._places, wanted)  # or one would wait for a refusal
            for place in self._places:
                is_first = place == self._places[0]
                self._full = self._bench if is_first else self._open(place, self._painters)
                self._full.apply(values)
                self._loop.run()
                if not is_first:
                    self._full.close()
                if self._result is None:
                    return None
                results.append(self._result)
            return Answer(values, self._painters, wanted, self._places, results)
        except RheostatError as error:
            self.say(str(error), is_problem=True)
            return None
        finally:
            self._loop = None
            self._bar.hide()
            self._inputs.set_sensitive(True)
            self._window.set_response_sensitive(Gtk.ResponseType.OK, True)

    def _respond(self, _window: Any, response: int) -> None:
        if self._loop is not None and response != Gtk.ResponseType.OK:
            self._cancel()

    def _cancel(self) -> None:
        self._is_stopped = True
        self._full.stop()


def with_access_key(label: str, taken: set[str]) -> str:
    """The label with the first letter that no other one has as its key; adds it to `taken`."""
    for at, letter in enumerate(label.lower()):
        if letter.isalpha() and letter not in taken:
            taken.add(letter)
            return f"{label[:at]}_{label[at:]}"
    return label
