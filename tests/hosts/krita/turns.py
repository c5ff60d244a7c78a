"""How long Krita's loop stands still when a layer comes: by Apply, by a script, by Krita itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hosts.krita.filter import Gaps, Steps, the_docker, wait
from krita import Krita


def main(picture: str, times: int) -> Steps:
    """The longest gaps in seconds, by who adds a layer, of each time."""
    krita = Krita.instance()
    window = krita.activeWindow()
    document = krita.openDocument(picture)
    window.addView(document)
    yield 3000
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    draft = krita.createDocument(1, 1, "", "RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc", 300.0)
    (source,) = document.rootNode().childNodes()
    krita.action("copy_layer_clipboard").trigger()
    yield 1000

    def add(layer: Any) -> None:
        document.rootNode().addChildNode(layer.clone(), source)

    ways: dict[str, Callable[[], Any]] = {
        "Apply of `tiny`": docker.button.click,
        "a script: a full one (`addChildNode`)": lambda: add(source),
        "a script: an empty one": lambda: add(draft.createNode("", "paintlayer")),
        "Krita: a new, empty one": krita.action("add_new_paint_layer").trigger,
        "Krita: a duplicate": krita.action("duplicatelayer").trigger,
        "Krita: a pasted one": krita.action("paste_layer_from_clipboard").trigger,
    }
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, act in ways.items():
            document.setActiveNode(source)
            document.waitForDone()
            yield 1500
            gaps = Gaps()
            act()
            yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
            yield 2000  # until it is composed and drawn
            seen[name].append(gaps.longest())
            while len(document.rootNode().childNodes()) > 1:
                krita.action("edit_undo").trigger()  # which does nothing while Krita is busy
                yield 1000
    return seen
