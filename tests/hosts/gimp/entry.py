"""What GIMP knows of a model's procedure."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main(model: str) -> dict[str, Any]:
    """Menu path, label, image types and each control's lowest, highest and first value."""
    procedure = Gimp.get_pdb().lookup_procedure(f"rheostat-{model}")
    arguments = {argument.name: argument for argument in procedure.get_arguments()}
    return {
        "menu": procedure.get_menu_paths(),
        "label": procedure.get_menu_label(),
        "types": procedure.get_image_types(),
        "controls": {
            name: [argument.minimum, argument.maximum, argument.default_value]
            for name, argument in arguments.items()
            if hasattr(argument, "minimum")
        },
    }
