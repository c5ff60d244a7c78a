"""Pictures of the docker for the guide: a preview, and a result."""

from __future__ import annotations

from hosts.krita.filter import Steps, busy, the_docker, wait
from krita import Krita


def main(picture: str, shots: str) -> Steps:
    """Denoise a photograph."""
    krita = Krita.instance()
    document = krita.openDocument(picture)
    window = krita.activeWindow()
    window.qwindow().resize(1180, 780)
    window.addView(document)
    yield 2000
    docker = the_docker(window)
    docker.setVisible(True)
    docker.raise_()
    docker.choose("denoise")
    yield 500
    docker.ask()
    yield from wait(lambda: not busy(docker))
    yield 500
    window.qwindow().grab().save(f"{shots}/krita-docker.png")
    docker.button.click()
    yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
    yield 1000
    window.qwindow().grab().save(f"{shots}/krita-result.png")
    return None
