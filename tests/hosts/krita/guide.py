"""docs/krita.md to the letter: the entry in the Filter menu, a slider, Apply, the result."""

from __future__ import annotations

from typing import Any

from hosts.krita.filter import Steps, busy, layers, rows, the_docker, wait
from krita import Krita


def main(picture: str) -> Steps:
    """The layers from the bottom, and what the docker says."""
    krita = Krita.instance()
    document = krita.openDocument(picture)
    window = krita.activeWindow()
    window.addView(document)
    yield 1500
    docker = the_docker(window)
    seen: dict[str, Any] = {"is hidden": docker.isHidden()}
    krita.action("rheostat_tiny").trigger()
    yield 500
    seen["is shown"] = docker.isVisible()
    rows(docker)["noise"].slider.setValue(700)
    yield from wait(lambda: not busy(docker))
    seen["previewed"] = len(layers(document))
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    seen["values"] = docker.values
    seen["layers"] = layers(document)
    return seen
