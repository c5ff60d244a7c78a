"""Rheostat in Krita: a docker with the models' sliders, and an entry per model in the Filter menu.

Krita imports this package at its start. The client library lies in the same folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from krita import DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita
from rheostat_client import installed

from .docker import Docker
from .exported import Exports

DOCKER = "rheostat_docker"
RIGHT = DockWidgetFactoryBase.DockPosition.DockRight


class Rheostat(Extension):  # type: ignore[misc]  # krita has no types
    """The menu entries."""

    def setup(self) -> None:
        """Krita wants this to be here."""

    def createActions(self, window: Any) -> None:  # noqa: N802
        """Add the entries; called once for every main window."""
        widget = window.qwindow()  # the window itself is gone after this call
        for model in installed.models():
            action = window.createAction(f"rheostat_{model.id}", f"{model.name}…", "filter")
            action.triggered.connect(lambda _=False, id=model.id: _show(widget, id))


def _show(window: Any, model: str) -> None:
    for docker in window.findChildren(Docker):
        docker.setVisible(True)
        docker.raise_()
        docker.choose(model)
        docker.ask()


_krita = Krita.instance()
_exports = Exports()
_krita.addExtension(Rheostat(_krita))
_krita.addDockWidgetFactory(DockWidgetFactory(DOCKER, RIGHT, Docker))
