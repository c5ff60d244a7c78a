"""What may go wrong while a layer is previewed or rendered, and how long Krita waits for us."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from hosts.krita.filter import Gaps, Steps, rows, state, the_docker, wait
from hosts.krita.stays import Stays
from krita import Krita
from PyQt5.QtCore import QByteArray


def main(daemon: int) -> Steps:
    """For each trouble, whether the document was as before; the longest stay in our code."""
    krita = Krita.instance()
    window = krita.activeWindow()
    document = photograph(1200, 900)
    window.addView(document)
    yield 2000
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tardy")
    yield 500
    calm = state(document)
    seen: dict[str, Any] = {"before": calm, "after": {}, "gaps": {}, "words": {}}
    stays = Stays()
    troubles: dict[str, Callable[[], Any]] = {
        "cancel": docker.stop.click,
        "another layer": lambda: turn_to(document),
        "a closed docker": docker.close,
        "a frozen daemon": lambda: os.kill(daemon, signal.SIGSTOP),
    }
    for work in ("preview", "apply"):
        for name, trouble in troubles.items():
            if work == "apply" and name in ("another layer", "a closed docker"):
                continue  # that does not stop it
            docker.setVisible(True)
            document.setActiveNode(document.rootNode().childNodes()[0])
            yield 500
            if work == "preview":
                rows(docker)["noise"].number.setValue(20.0 + len(seen["after"]))
                yield from wait(lambda: docker.preview and docker.preview.overlay)
            else:
                docker.button.click()
            yield 700
            gaps = Gaps()
            trouble()
            yield 3500
            if name == "a closed docker":
                seen["closed"] = docker.preview is None
            docker.cancel()
            yield 300
            if name == "a frozen daemon":
                os.kill(daemon, signal.SIGCONT)
                yield 1000
            seen["gaps"][f"{work}, {name}"] = gaps.longest()
            seen["after"][f"{work}, {name}"] = state(document)
            seen["words"][f"{work}, {name}"] = docker.status.text()

    docker.button.click()
    yield 1000
    os.kill(daemon, signal.SIGKILL)
    yield 3000
    seen["after"]["apply, a killed daemon"] = state(document)
    seen["words"]["apply, a killed daemon"] = docker.status.text()
    yield from closed_meanwhile(docker, document, seen)
    seen["longest stay"] = stays.longest
    return seen


def closed_meanwhile(docker: Any, document: Any, seen: dict[str, Any]) -> Steps:
    """The document is closed while it is rendered; another one is opened and filtered."""
    for work in ("preview", "apply"):
        docker.button.click() if work == "apply" else docker.ask()
        yield 1500
        document.setModified(False)
        document.close()
        yield 1500
        document = photograph(200, 150)
        Krita.instance().activeWindow().addView(document)
        yield 1500
        seen["after"][f"{work}, closed"] = {"is busy": docker.is_applying or bool(docker.preview)}
    docker.choose("tiny")
    docker.button.click()
    yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
    document.setModified(False)
    document.close()
    yield 500
    return None


def turn_to(document: Any) -> None:
    """Make the other layer active; the preview follows, which is taken away a little later."""
    document.setActiveNode(document.rootNode().childNodes()[1])


def photograph(width: int, height: int) -> Any:
    """A document with two layers of grain."""
    krita = Krita.instance()
    srgb = "sRGB-elle-V2-srgbtrc.icc"
    document = krita.createDocument(width, height, "grain", "RGBA", "U8", srgb, 300.0)
    for name in ("lower", "upper")[: 2 if width > 200 else 0]:
        layer = document.createNode(name, "paintlayer")
        fill(layer, width, height, 4)
        document.rootNode().addChildNode(layer, None)
    if width > 200:
        document.rootNode().childNodes()[0].remove()
    document.setModified(False)
    return document


def fill(layer: Any, width: int, height: int, pixel: int) -> None:
    """Opaque grain, the same in every strip."""
    strip = bytearray(os.urandom(width * 50 * pixel))
    strip[pixel - 1 :: pixel] = b"\xff" * (width * 50)
    for y in range(0, height, 50):
        rows_ = min(50, height - y)
        layer.setPixelData(QByteArray(bytes(strip[: width * rows_ * pixel])), 0, y, width, rows_)
