#!/usr/bin/env python3
"""Rheostat in GIMP 3: one entry per model under Filters > Rheostat.

GIMP runs this file when it looks for plug-ins and again, in a fresh process, for every call.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gegl", "0.4")
import installation
import layers
from gi.repository import Gimp, GLib, GObject
from rheostat_client.connection import Connection
from rheostat_client.controls import title
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo


class Rheostat(Gimp.PlugIn):  # type: ignore[misc]  # gi has no types
    """Offers every installed model as a procedure `rheostat-<model id>`."""

    def do_set_i18n(self, _procedure: str) -> bool:
        """No translations yet."""
        return False

    def do_query_procedures(self) -> list[str]:
        """The procedures' names. GIMP caches them until the date of this file changes.

        The models change only when `rheostat install gimp` writes this folder anew, so a query is
        enough; do_init_procedures would start a Python at every start of GIMP.
        """
        return [_procedure_name(model) for model in installation.models()]

    def do_create_procedure(self, name: str) -> Any:
        """The procedure called `name`: its menu entry and one argument per control."""
        model = next(m for m in installation.models() if _procedure_name(m) == name)
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, model)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(f"{model.name}…")
        procedure.add_menu_path("<Image>/Filters/Rheostat")
        procedure.set_documentation(model.summary, model.summary, name)
        procedure.set_attribution("The Rheostat developers", "Apache-2.0", "2026")
        flags = GObject.ParamFlags.READWRITE
        taken = set("lshroc")  # access keys of the dialog's own buttons
        for control in model.controls:
            label, (low, high) = _with_access_key(control.label, taken), control.hard
            procedure.add_double_argument(
                control.id, label, control.help, low, high, control.default, flags
            )
        procedure.add_layer_return_value("layer", "Layer", "The new layer", False, flags)
        return procedure


def run(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, model: ModelInfo
) -> Any:
    """Filter the one selected layer of `image` into a new layer above it."""
    try:
        source = layers.source(drawables)
        if mode == Gimp.RunMode.INTERACTIVE:
            import dialog  # needs a display, which the other modes may not have

            if not dialog.ask(procedure, config, model):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        values = {control.id: config.get_property(control.id) for control in model.controls}
        layer = _filter(image, source, model, values)
    except RheostatError as error:
        return _failed(procedure, str(error))
    except Exception as error:  # GIMP would print it where nobody looks
        traceback.print_exc()
        return _failed(procedure, f"{type(error).__name__}: {error}")
    result = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    result.remove(1)
    result.insert(1, layer)
    return result


def _filter(image: Any, source: Any, model: ModelInfo, values: Mapping[str, float]) -> Any:
    def show(done: int, total: int, state: str) -> None:
        Gimp.progress_set_text(f"{model.name}: {state}…")
        Gimp.progress_update(done / max(1, total))

    Gimp.progress_init(f"{model.name}…")
    pixels = layers.read(source)
    # GIMP's Cancel button ends this process at once; until `insert` the image is as it was.
    with Connection.open(start=installation.start_command(), name="GIMP") as daemon:
        rendered = daemon.filter(*pixels, model.id, values, on_progress=show)
    name = title(model.name, model.controls, values)
    return layers.insert(image, source, rendered, name)


def _failed(procedure: Any, message: str) -> Any:
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(message))


def _procedure_name(model: ModelInfo) -> str:
    return f"rheostat-{model.id}"


def _with_access_key(label: str, taken: set[str]) -> str:
    for at, letter in enumerate(label.lower()):
        if letter.isalpha() and letter not in taken:
            taken.add(letter)
            return f"{label[:at]}_{label[at:]}"
    return label


Gimp.main(Rheostat.__gtype__, sys.argv)
