"""What `rheostat install` wrote into a plug-in's folder: models, and how to start the daemon.

This library lies in that folder then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .models import ModelInfo
from .texts import localized

_SANDBOX = Path("/.flatpak-info")  # is there for every program from Flatpak, and nowhere else


def models() -> list[ModelInfo]:
    """The models that get a menu entry, in the user's language."""
    return [localized(ModelInfo.from_dict(model)) for model in _read("models.json")]


def start_command() -> list[str]:
    """The words that start the daemon; outside of a sandbox, whose Python cannot run it."""
    words = list(_read("installation.json")["start"])
    return ["flatpak-spawn", "--host", *words] if _SANDBOX.exists() else words


def _read(name: str) -> Any:
    return json.loads((Path(__file__).parents[1] / name).read_text("utf-8"))
