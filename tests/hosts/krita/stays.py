"""Stays: how long Krita's loop was in the plug-in's code, at most, and in which function."""

from __future__ import annotations

import sys
import time
from pathlib import PurePath
from typing import Any

OURS = "/pykrita/rheostat/"  # where the plug-in is


class Stays:
    """Watches every call from Qt into the plug-in, from now on."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self._begun: tuple[Any, float] | None = None
        sys.setprofile(self._see)

    def _see(self, frame: Any, event: str, _argument: Any) -> None:
        if event == "call" and self._begun is None and _is_ours(frame):
            self._begun = frame, time.monotonic()
        elif event == "return" and self._begun and self._begun[0] is frame:
            took = time.monotonic() - self._begun[1]
            self._begun = None
            name = f"{PurePath(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
            self.longest[name] = max(self.longest.get(name, 0.0), took)


def _is_ours(frame: Any) -> bool:
    return OURS in frame.f_code.co_filename
