"""Runs in GIMP's own Python: one scenario of this folder, JSON in and JSON out."""

from __future__ import annotations

import importlib
import json
from pathlib import Path


def run(scenario: str, arguments: str, answer: str) -> None:
    """Call `scenario.main` with the arguments in one file and write what it returns to another."""
    module = importlib.import_module(f"hosts.gimp.{scenario}")
    result = module.main(**json.loads(Path(arguments).read_text()))
    Path(answer).write_text(json.dumps(result))
