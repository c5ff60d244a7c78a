"""What `rheostat install gimp` wrote beside the plug-in: models, and how to start the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rheostat_client.models import ModelInfo


def models() -> list[ModelInfo]:
    """The models that get a menu entry."""
    return [ModelInfo.from_dict(model) for model in _read("models.json")]


def start_command() -> list[str]:
    """The words that start the daemon."""
    return list(_read("installation.json")["start"])


def _read(name: str) -> Any:
    return json.loads((Path(__file__).parent / name).read_text("utf-8"))
