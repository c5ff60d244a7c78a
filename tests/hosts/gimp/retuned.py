"""Filters a layer, then changes the settings: at once, after saving, renamed, copied, gone."""

from __future__ import annotations

import json
from typing import Any

import gi
from hosts.gimp.images import QUIET, call, describe, load, save, tree

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(picture: str, file: str) -> dict[str, Any]:
    """The layers, or the error, after each step."""
    image = load(picture)
    call(image, image.get_layers(), noise=30.0, detail=0.2)
    result, _ = image.get_layers()
    result.set_opacity(60.0)
    seen: dict[str, Any] = {"filtered": tree(image)}
    retune(image, {"noise": 12.0})
    seen["retuned"] = tree(image)

    save(image, file)
    image.delete()
    image = load(file)
    _, source = image.get_layers()
    source.set_name("another name")
    image.insert_layer(source.copy(), None, 0)
    image.reorder_item(image.get_layers()[0], None, 2)
    seen["reopened"] = retune(image, {"detail": 0.9})
    seen["after reopening"] = tree(image)

    copy = image.duplicate()
    seen["duplicated"] = retune(copy, {"noise": 12.0, "detail": 0.2})
    for layer in copy.get_layers()[1:]:
        copy.remove_layer(layer)
    seen["gone"] = retune(copy, {"noise": 20.0})
    seen["no result"] = retune(image, {"noise": 20.0}, at=1)
    image.delete()
    copy.delete()
    return seen


def retune(image: Any, controls: dict[str, float], at: int = 0) -> dict[str, Any]:
    """Call the procedure for a layer; the changed layer or the error."""
    pdb = Gimp.get_pdb()
    procedure = pdb.lookup_procedure("rheostat-retune")
    config = procedure.create_config()
    config.set_property("run-mode", QUIET)
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[at]])
    config.set_property("controls", json.dumps(controls))
    done = procedure.run(config)
    if done.index(0) != Gimp.PDBStatusType.SUCCESS:
        return {"error": pdb.get_last_error()}
    return describe(done.index(1))
