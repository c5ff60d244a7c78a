"""The dialog of a model: one slider per control, with GIMP's own presets and reset."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk
from rheostat_client.controls import Control
from rheostat_client.models import ModelInfo


def ask(procedure: Any, config: Any, model: ModelInfo) -> bool:
    """Let the user set the controls in `config`; False if the dialog was cancelled."""
    GimpUi.init("rheostat")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, model.name)
    for control in model.controls:
        _describe(dialog.get_scale_entry(control.id, 1.0), control)
    dialog.fill([control.id for control in model.controls])
    accepted = dialog.run()
    dialog.destroy()
    return bool(accepted)


def _describe(entry: Any, control: Control) -> None:
    entry.set_bounds(*control.soft, True)  # the slider's travel; the number beside it goes further
    entry.set_logarithmic(control.curve == "log")
    entry.set_digits(control.digits)
    entry.set_increments(control.step, 10 * control.step)
    unit = "" if control.unit == "artistic" else f" Unit: {control.unit}."
    entry.set_tooltip_text(control.help + unit)
    scale = entry.get_range()
    for value, word in zip(control.soft, control.ends):
        if word:
            scale.add_mark(value, Gtk.PositionType.BOTTOM, f"<small>{word}</small>")
