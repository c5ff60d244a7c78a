#!/usr/bin/env python3
"""Rheostat in GIMP 3: one entry per model under Filters > Rheostat, and one to re-tune a result.

GIMP runs this file when it looks for plug-ins and again, in a fresh process, for every call.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gegl", "0.4")
import layers
import places
import sources
from answer import Answer
from gi.repository import Gimp, GLib, GObject
from rheostat_client import installed
from rheostat_client.controls import complete, title
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.texts import _
from undo import one_step

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
        _add_choices(procedure, model)
        _add_dialog(procedure)
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
CONTROLS_HELP = _('Values by control, as JSON: {"noise": 12}; the others stay as they are')


def _present(procedure: Any, label: str, summary: str) -> None:
    procedure.set_image_types("RGB*, GRAY*")
    procedure.set_menu_label(label)
    procedure.add_menu_path("<Image>/Filters/Rheostat")
    procedure.set_documentation(summary, summary, procedure.get_name())
    procedure.set_attribution("The Rheostat developers", "Apache-2.0", "2026")


def _add_controls(procedure: Any, model: ModelInfo) -> None:
    flags = GObject.ParamFlags.READWRITE
    for control in model.controls:
        low, high = control.hard
        procedure.add_double_argument(
            control.id, control.label, control.help, low, high, control.default, flags
        )


def _add_choices(procedure: Any, model: ModelInfo) -> None:
    flags = GObject.ParamFlags.READWRITE
    source = Gimp.Choice.new()
    source.add(places.LAYERS, 0, _("Selected layers"), "")
    source.add(places.IMAGE, 1, _("Whole image, as it is visible"), "")
    words = _("What is filtered")
    procedure.add_choice_argument("source", _("So_urce"), words, source, places.LAYERS, flags)
    if model.scale == 1:
        output = Gimp.Choice.new()
        output.add(places.LAYER, 0, _("New layer above"), "")
        output.add(places.REPLACE, 1, _("In place of the layer's pixels"), "")
        words = _("Where the result goes; that of the whole image is a new layer always")
        procedure.add_choice_argument("output", _("Ou_tput"), words, output, places.LAYER, flags)


def _add_dialog(procedure: Any) -> None:
    """What the dialog remembers and scripts do not see."""
    flags = GObject.ParamFlags.READWRITE
    procedure.add_boolean_aux_argument("preview", "Preview", "", True, flags)
    procedure.add_boolean_aux_argument("split", "Split", "", False, flags)
    procedure.add_double_aux_argument("divider", "Divider", "", 0.0, 1.0, 0.5, flags)
    # The model that the user changed to in the dialog: Repeat does what was done last.
    procedure.add_string_aux_argument("model", "Model", "", "", flags)


def run(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, model: ModelInfo
) -> Any:
    """Filter the selected layers, or the whole image, into new layers or in their place."""

    def work() -> Any:
        if mode == Gimp.RunMode.INTERACTIVE:
            config.set_property("model", "")
        elif (other := config.get_property("model")) and mode == Gimp.RunMode.WITH_LAST_VALS:
            return _pass_on(_model(other), mode, image, drawables)
        with places.kept(partial(places.find, image, drawables)) as find:
            answer = _answer(procedure, mode, image, find, config, model, installed.models())
            if isinstance(answer, Answer):
                made = _commit(image, model, answer)
                if model.scale > 1 and mode == Gimp.RunMode.INTERACTIVE:
                    for layer in made:
                        Gimp.Display.new(layer.get_image())
                return made[0]
        if answer is None:
            return None
        config.set_property("model", answer.id)
        return _pass_on(answer, mode, image, drawables)

    return _report(procedure, work)


def _commit(image: Any, model: ModelInfo, answer: Answer) -> list[Any]:
    """The layers that the results are in now."""
    layers.check_alive(*answer.items)
    name = title(model.name, model.controls, answer.values)
    both = list(zip(answer.places, answer.results))
    if model.scale > 1:
        return [layers.enlarged(place.layer, rendered, name) for place, rendered in both]
    is_in_place = bool(places.overwritten(answer.places, answer.output))
    with one_step(image):
        if is_in_place:
            return [layers.overwrite(place, rendered) for place, rendered in both]
        return [
            layers.insert(image, place, rendered, name, answer.maps) for place, rendered in both
        ]


def _pass_on(model: ModelInfo, mode: Any, image: Any, drawables: list[Any]) -> Any:
    """What the procedure of another model makes; None if that was cancelled or has failed."""
    other = Gimp.get_pdb().lookup_procedure(_procedure_name(model))
    config = other.create_config()
    config.set_property("run-mode", mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    result = other.run(config)
    return result.index(1) if result.index(0) == Gimp.PDBStatusType.SUCCESS else None


def retune(
    procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, plug_in: Rheostat
) -> Any:
    """Render a result again from its source, with other settings, in its place.

    A picture that came from a file without its source is filtered once more.
    """

    def work() -> Any:
        (result, *_) = layers.chosen(drawables)
        settings = sources.settings_of(image, result)
        is_source_here = "file" not in settings.source
        model = _model(settings.model)
        # The dialog of the model itself; GIMP keeps no last values of this one.
        own = plug_in.do_create_procedure(_procedure_name(model))
        values = own.create_config()
        given = {**settings.controls, **_numbers(config.get_property("controls"))}
        for name, value in complete(model.controls, given).items():
            values.set_property(name, value)
        values.set_property("maps", sources.map_words(sources.map_items(image, settings)))

        def find(source: str) -> list[places.Place]:
            if is_source_here:
                return [places.again(image, result, settings)]
            return places.find(image, [result], source)

        with places.kept(find) as find_anew:
            answer = _answer(own, mode, image, find_anew, values, model, [])
            if not isinstance(answer, Answer):
                return None
            if not is_source_here:
                return _commit(image, model, answer)[0]
            layers.check_alive(*answer.items)
            name = title(model.name, model.controls, answer.values)
            old = result.get_name()
            is_renamed = sources.is_renamed(result, settings, model)
            ((place,), (rendered,)) = answer.places, answer.results
            with one_step(image):
                layer = layers.replace(image, place, rendered, name, answer.maps)
                if is_renamed:
                    layer.set_name(old)
                return layer

    return _report(procedure, work)


def _answer(
    procedure: Any,
    mode: Any,
    image: Any,
    find: Callable[[str], list[places.Place]],
    config: Any,
    model: ModelInfo,
    others: list[ModelInfo],
) -> Answer | ModelInfo | None:
    """What the user, or the script, wants and what came of it; None if the user does not.

    The user may also want one of the `others` instead.
    """
    if mode == Gimp.RunMode.INTERACTIVE:
        import dialog  # needs a display, which the other modes may not have

        return dialog.Dialog(procedure, config, model, image, find, others).run()
    import batch

    return batch.answer(image, find(config.get_property("source")), config, model)


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


Gimp.main(Rheostat.__gtype__, sys.argv)
