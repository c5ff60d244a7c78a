"""Pictures of the docker for the guide: a preview beside its source, and a result."""

from __future__ import annotations

from hosts.krita.filter import Steps, busy, the_docker, wait
from krita import Krita

SHOWN = ("KisLayerBox", "ToolBox", "sharedtooldocker")


def main(picture: str, shots: str) -> Steps:
    """Denoise a photograph."""
    krita = Krita.instance()
    document = krita.openDocument(picture)
    window = krita.activeWindow()
    window.qwindow().resize(1180, 780)
    window.addView(document)
    yield 2000
    docker = the_docker(window)
    for other in window.dockers():  # a small screen has no room for those of the brush
        other.setVisible(other is docker or other.objectName() in SHOWN)
    docker.setVisible(True)
    docker.raise_()
    docker.choose("denoise")
    krita.action("zoom_to_fit").trigger()
    yield 500
    docker.compare.divided.setChecked(True)
    docker.ask()
    yield from wait(lambda: not busy(docker))
    yield 1000
    window.qwindow().grab().save(f"{shots}/krita-docker.png")
    docker.compare.divided.setChecked(False)
    docker.button.click()
    yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
    yield 1000
    window.qwindow().grab().save(f"{shots}/krita-result.png")
    return None
