"""Does nothing, as a person who starts GIMP to see whether it works."""

from __future__ import annotations

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def main() -> dict[str, bool]:
    """Whether GIMP has a procedure of ours."""
    return {"has rheostat": Gimp.get_pdb().procedure_exists("rheostat-retune")}
