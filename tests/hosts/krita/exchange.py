"""Pictures from other programs are opened and imported; a result leaves as PNG and as .kra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hosts.krita.filter import Steps, rows, the_docker, wait
from krita import Krita
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLineEdit, QPushButton


def main(files: list[str], imported: str, picture: str, png: str, kra: str, copy: str) -> Steps:
    """What the docker says of the highest layer of each file, of an imported and a file layer."""
    krita = Krita.instance()
    window = krita.activeWindow()
    docker = the_docker(window)
    docker.setVisible(True)
    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    seen: dict[str, Any] = {}
    for file in files:
        document = krita.openDocument(file)
        window.addView(document)
        yield 1500
        rows(docker)["noise"].set_value(3.0)
        rows(docker)["detail"].set_value(0.9)
        top = document.rootNode().childNodes()[-1]
        docker._active = ""  # so that it looks at a layer which is active already
        document.setActiveNode(top)
        yield 600
        seen[Path(file).name] = {**docker.values, "words": docker.origin.text()}
        document.setModified(False)
        document.close()
        yield 500

    document = krita.openDocument(picture)
    window.addView(document)
    yield 1500
    source = document.rootNode().childNodes()[0]
    seen["nothing"] = yield from said(document, docker, source, source)
    confirm(imported)
    krita.action("import_layer_from_file").trigger()
    yield from wait(lambda: len(document.rootNode().childNodes()) == 2)
    yield 800
    layer = document.rootNode().childNodes()[-1]
    seen["imported"] = yield from said(document, docker, source, layer)
    linked = document.createFileLayer("linked", imported, "None", "Bicubic")
    document.rootNode().addChildNode(linked, None)
    yield 800
    seen["linked"] = yield from said(document, docker, source, linked)
    for each in (linked, layer):
        each.remove()
        yield 500

    document.setActiveNode(source)
    yield 500
    rows(docker)["noise"].set_value(17.0)
    rows(docker)["detail"].set_value(0.6)
    docker.button.click()
    yield from wait(lambda: not docker.is_applying)
    yield 500
    document.setBatchmode(True)
    document.saveAs(kra)
    yield 1500
    confirm(png)
    krita.action("file_export_file").trigger()
    yield from wait(Path(png).exists)
    yield 1500
    paint = document.createNode("paint", "paintlayer")
    document.rootNode().addChildNode(paint, None)
    yield 500
    document.saveAs(copy)
    yield 1500
    document.setModified(False)
    return seen


def said(document: Any, docker: Any, other: Any, layer: Any) -> Steps:
    """What the docker shows for a layer, after it showed something else for another."""
    document.setActiveNode(other)
    yield 400
    rows(docker)["noise"].set_value(3.0)
    docker._active = ""
    document.setActiveNode(layer)
    yield 600
    return {**docker.values, "words": docker.origin.text()}


def confirm(path: str) -> None:
    """Name a file in the dialog that comes, and agree with what is asked after it."""

    def answer() -> None:
        for dialog in QApplication.topLevelWidgets():
            if dialog.isVisible() and isinstance(dialog, QDialog):
                name = dialog.findChild(QLineEdit, "fileNameEdit")
                if name and name.text() != path:
                    name.setText(path)
                    buttons = dialog.findChild(QDialogButtonBox).buttons()
                    next(b for b in buttons if b.isDefault()).click()
                elif not name:
                    buttons = dialog.findChildren(QPushButton)
                    next(b for b in buttons if b.text().replace("&", "") in ("OK", "Yes")).click()

    for seconds in (2, 4, 6):
        QTimer.singleShot(1000 * seconds, answer)
