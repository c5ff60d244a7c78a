"""A plug-in that runs one scenario in a started Krita, JSON in and JSON out, and ends Krita.

A scenario is a generator: `yield 200` returns to Krita's own loop for 200 ms, without which it does
no work. What it returns is the answer; an exception ends Krita with status 1.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

from krita import Extension, Krita
from PyQt5.QtCore import QTimer


class Harness(Extension):  # type: ignore[misc]  # krita has no types
    """Begins when the first window is there."""

    _steps: Generator[int, None, Any]

    def setup(self) -> None:
        """Wait for the window."""
        if "HARNESS_SCENARIO" in os.environ:
            self._notifier = Krita.instance().notifier()
            self._notifier.setActive(True)
            self._begun = False
            self._notifier.windowCreated.connect(lambda: QTimer.singleShot(0, self._begin))

    def createActions(self, _window: Any) -> None:  # noqa: N802
        """There are none."""

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        sys.excepthook = self._fail
        sys.path.insert(0, os.environ["HARNESS_TESTS"])
        module = importlib.import_module(f"hosts.krita.{os.environ['HARNESS_SCENARIO']}")
        arguments = json.loads(Path(os.environ["HARNESS_ARGUMENTS"]).read_text())
        self._steps = module.main(**arguments)
        self._step()

    def _step(self) -> None:
        try:
            milliseconds = next(self._steps)
        except StopIteration as end:
            Path(os.environ["HARNESS_ANSWER"]).write_text(json.dumps(end.value))
            self._leave(0)
        except BaseException as error:
            self._fail(type(error), error, error.__traceback__)
        else:
            QTimer.singleShot(milliseconds, self._step)

    def _fail(self, kind: Any, error: Any, trace: Any) -> None:
        traceback.print_exception(kind, error, trace)
        self._leave(1)

    def _leave(self, status: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # Krita would ask about unsaved pictures


Krita.instance().addExtension(Harness(Krita.instance()))
