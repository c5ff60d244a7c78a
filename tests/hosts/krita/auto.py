"""Auto finds out what the noise slider should be, with and without a preview; then it cannot."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from hosts.krita.filter import Steps, busy, encoded, rows, state, the_docker, wait
from krita import Krita

START = 3.0  # where the slider is before


def main(picture: str, small: str) -> Steps:
    """Where the slider went, what the docker said, and the document before and after."""
    krita = Krita.instance()
    window = krita.activeWindow()
    document = krita.openDocument(picture)
    window.addView(document)
    yield 1500
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    yield 500
    before = state(document)
    seen: dict[str, Any] = {
        "buttons": {id: row.auto.isVisible() for id, row in rows(docker).items()}
    }
    for is_on in (False, True):
        docker.compare.preview.setChecked(is_on)
        rows(docker)["noise"].set_value(START)
        yield 300
        rows(docker)["noise"].auto.click()
        yield from wait(lambda: docker.values["noise"] != START)
        seen["with" if is_on else "without"] = docker.values
        yield 500
        if not is_on:
            seen["overlay"] = any(b64decode(encoded(docker.preview.overlay.image)))
    yield from wait(lambda: not busy(docker))
    docker.cancel()
    yield 300
    seen["is untouched"] = state(document) == before

    window.addView(krita.openDocument(small))
    yield 1500
    rows(docker)["noise"].set_value(START)
    yield from wait(lambda: not busy(docker))
    rows(docker)["noise"].auto.click()
    yield from wait(lambda: "eye" in docker.status.text())
    seen["small"] = docker.values["noise"]
    docker.cancel()
    return seen
