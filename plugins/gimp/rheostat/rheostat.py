#!/usr/bin/env python3
"""Rheostat in GIMP 3: one entry per model under Filters > Rheostat, and one to re-tune a result.

GIMP runs this file when it looks for plug-ins and again, in a fresh process, for every call.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gegl", "0.4")
import layers
import sources
from answer import Answer
from gi.repository import Gimp, GLib, GObject
from rheostat_client import installed
from rheostat_client.connection import Region
from rheostat_client.controls import complete, title
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.texts import _

RETUNE = "rheostat-retune"


class Rheostat(Gimp.PlugIn):  # type: ignore[misc]  # gi has no types
    """Offers every installed model as a procedure `rheostat-<model id>`, and `rheostat-retune`."""

    def do_set_i18n(self, _procedure: str) -> bool:
        """Ours are not where GIMP looks (rheostat_client.texts)."""
        return False

    def do_query_procedures(self) -> list[str]:
        """The procedures' names. GIMP caches them until the date of this file changes.

        The models change only when `rheostat install gimp` writes this folder anew, so a query is
        enough; do_init_procedures would start a Python at every start of GIMP.
        """
        return [*(_procedure_name(model) for model in installed.models()), RETUNE]

    def do_create_procedure(self, name: str) -> Any:
        """The procedure called `name`, with its menu entry."""
        if name == RETUNE:
            return self._retuning()
        model = next(m for m in installed.models() if _procedure_name(m) == name)
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, model)
        masks = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(masks.DRAWABLE | masks.DRAWABLES)
        _present(procedure, f"{model.name}…", model.summary)
        _add_controls(procedure, model)
        flags = GObject.ParamFlags.READWRITE
        procedure.add_string_argument("maps", _("Maps"), MAPS_HELP, "", flags)
        procedure.add_boolean_aux_argument("preview", _("Pre_view"), PREVIEW_HELP, True, flags)
        procedure.add_layer_return_value("layer", _("Layer"), _("The new layer"), True, flags)
        return procedure

    def _retuning(self) -> Any:
        procedure = Gimp.ImageProcedure.new(self, RETUNE, Gimp.PDBProcType.PLUGIN, retune, self)
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        words = _("Changes the settings of a layer that a Rheostat filter made")
        _present(procedure, _("_Re-tune Layer…"), words)
        flags = GObject.ParamFlags.READWRITE
        procedure.add_string_argument("controls", _("Controls"), CONTROLS_HELP, "", flags)
        procedure.add_layer_return_value("layer", _("Layer"), _("The changed layer"), True, flags)
        return procedure


MAPS_HELP = _(
    'Painted controls: the name of a layer, mask or channel by control, as JSON: {"noise": "Sky"}'
)
PREVIEW_HELP = _("Show on the canvas what the sliders do")
CONTROLS_HELP = _('Values by control, as JSON: {"noise": 12}; the others stay as they are')


def _present(procedure: Any, label: str, summary: str) -> None:
    procedure.set_image_types("RGB*, GRAY*")
    procedure.set_menu_label(label)
    procedure.add_menu_path("<Image>/Filters/Rheostat")
    procedure.set_documentation(summary, summary, procedure.get_name())
    procedure.set_attribution("The Rheostat developers", "Apache-2.0", "2026")


def _add_controls(procedure: Any, model: ModelInfo) -> None:
    taken = set("lshrocv")  # access keys of the dialog's own buttons
    for control in model.controls:
        label, (low, high) = _with_access_key(control.label, taken), control.hard
        flags = GObject.ParamFlags.READWRITE
        procedure.add_double_argument(
            control.id, label, control.help, low, high, control.default, flags
        )


def run(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, model: ModelInfo
) -> Any:
    """Filter the selected layers of `image`, each into a new layer above it."""

    def work() -> Any:
        chosen = layers.chosen(drawables)
        boxes = [layers.box(layer) for layer in chosen]
        answer = _answer(procedure, mode, image, chosen, boxes, config, model, chosen[0])
        if answer is None:
            return None
        layers.check_alive(chosen)
        name = title(model.name, model.controls, answer.values)
        if model.scale > 1:
            made = [
                layers.enlarged(source, rendered, name)
                for source, rendered in zip(chosen, answer.results)
            ]
            if mode == Gimp.RunMode.INTERACTIVE:
                for layer in made:
                    Gimp.Display.new(layer.get_image())
            return made[0]
        with layers.one_step(image):
            made = [
                layers.insert(image, source, rendered, name, answer.maps)
                for source, rendered in zip(chosen, answer.results)
            ]
        return made[0]

    return _report(procedure, work)


def retune(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, plug_in: Rheostat
) -> Any:
    """Render a result again from its source, with other settings, in its place."""

    def work() -> Any:
        (result, *_) = layers.chosen(drawables)
        source = sources.origin(image, result)
        settings = sources.record(result)
        assert settings is not None
        model = _model(settings.model)
        # The dialog of the model itself; GIMP keeps no last values of this one.
        own = plug_in.do_create_procedure(_procedure_name(model))
        values = own.create_config()
        given = {**settings.controls, **_numbers(config.get_property("controls"))}
        for name, value in complete(model.controls, given).items():
            values.set_property(name, value)
        names = {control: m.get("name", "") for control, m in settings.maps.items()}
        values.set_property("maps", json.dumps(names))
        # Where it was made; what is selected today is another matter.
        box = settings.region or (0, 0, source.get_width(), source.get_height())
        answer = _answer(own, mode, image, [source], [box], values, model, result)
        if answer is None:
            return None
        layers.check_alive([source, result])
        name = title(model.name, model.controls, answer.values)
        with layers.one_step(image):
            (rendered,) = answer.results
            return layers.replace(image, result, source, rendered, name, answer.maps)

    return _report(procedure, work)


def _answer(
    procedure: Any,
    mode: Any,
    image: Any,
    chosen: list[Any],
    boxes: list[Region],
    config: Any,
    model: ModelInfo,
    above: Any,
) -> Answer | None:
    """What the user, or the script, wants and what came of it; None if the user does not."""
    if mode == Gimp.RunMode.INTERACTIVE:
        import dialog  # needs a display, which the other modes may not have

        return dialog.Dialog(procedure, config, model, image, chosen, boxes, above).run()
    import batch

    return batch.answer(image, chosen, boxes, config, model)


def _report(procedure: Any, work: Callable[[], Any]) -> Any:
    """GIMP's answer to a call: the layer that `work` made, cancelled, or what went wrong."""
    try:
        layer = work()
    except RheostatError as error:
        return _failed(procedure, str(error))
    except Exception as error:  # GIMP would print it where nobody looks
        traceback.print_exc()
        return _failed(procedure, f"{type(error).__name__}: {error}")
    if layer is None:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    result = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    result.remove(1)
    result.insert(1, layer)
    return result


def _model(name: str) -> ModelInfo:
    for model in installed.models():
        if model.id == name:
            return model
    raise RheostatError(
        "unknown-model",
        _("The layer was made with the model '{name}', which GIMP does not know.").format(
            name=name
        ),
        _("Run `rheostat install gimp` again and restart GIMP."),
    )


def _numbers(words: str) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in json.loads(words or "{}").items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise RheostatError(
            "bad-value",
            _("The argument {name} is {given}.").format(name="controls", given=repr(words)),
            CONTROLS_HELP,
        ) from error


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
