"""Runs the plug-in in the fake Krita, in a process of its own, as two Qts do not go into one.

    python -m krita_fake.host SCENARIO FOLDER ANSWER

FOLDER has the plug-in; what the scenario returns goes to the file ANSWER, as JSON.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

from krita_fake import contract, fake
from krita_fake.contract import SRGB, Host, Steps

PATIENCE = 60.0  # seconds
WIDTH, HEIGHT = 48, 40


def main(scenario: str, folder: str, answer: str) -> None:
    """Start the fake, load the plug-in as Krita does, and go through the steps."""
    application = fake.QtWidgets.QApplication([])
    fake.install()
    sys.path.insert(0, folder)
    import rheostat

    steps = {"contract": keep_contract, "filter": filter_layer}[scenario](Path(answer))
    while True:
        try:
            pause = next(steps)
        except StopIteration as end:
            result = {"plug-in": rheostat.__file__, "seen": end.value}
            Path(answer).write_text(json.dumps(result))
            return
        until = time.monotonic() + pause / 1000
        while time.monotonic() < until:
            application.processEvents()
            time.sleep(0.001)


def keep_contract(_answer: Path) -> Steps:
    """What of the contract is broken."""
    return contract.broken(Host(fake, fake.QtCore))


def filter_layer(answer: Path) -> Steps:
    """A person uses everything in the docker."""
    krita = fake.Krita.instance()
    window = krita.activeWindow()
    (docker,) = krita.dockers
    window.actions["rheostat_tiny"].trigger()
    document = krita.createDocument(WIDTH, HEIGHT, "any", "RGBA", "U8", SRGB, 300.0)
    window.addView(document)
    source = document.rootNode().childNodes()[0]
    source.setPixelData(fake.QtCore.QByteArray(picture()), 0, 0, WIDTH, HEIGHT)
    rows = {row.control.id: row for row in docker._rows}
    seen: dict[str, Any] = {"is shown": docker.isVisible(), "source": pixels(source)}

    rows["noise"].slider.setValue(100)
    rows["noise"].number.setValue(24.0)
    rows["detail"].slider.setValue(500)
    yield from wait(docker, lambda: docker.preview and docker.preview.is_complete)
    yield 200
    seen["values"] = docker.values
    overlay = docker.preview.overlay
    seen["preview"] = encoded(overlay.image)
    seen["drawn"] = encoded(overlay.grab(overlay.rect()).toImage())
    for zoom in (1.5, 3.0):
        window.activeView().zoom = zoom
        yield 100
        seen[f"at {zoom}"] = encoded(overlay.grab(overlay.rect()).toImage())
    window.activeView().zoom = 1.0
    docker.compare.divided.setChecked(True)
    docker.compare.divider.setValue(500)
    yield 100
    seen["split"] = encoded(overlay.grab(overlay.rect()).toImage())
    drag(overlay._handle, fake.QtCore.QPointF(-12, 0))
    yield 100
    seen["dragged"] = docker.compare.split.divider
    docker.compare.hold.pressed.emit()
    yield 100
    seen["held"] = encoded(overlay.grab(overlay.rect()).toImage())
    docker.compare.hold.released.emit()
    docker.compare.divided.setChecked(False)

    rows["noise"].auto.click()
    yield from wait(docker, lambda: docker.values["noise"] != 24.0)
    seen["auto"] = docker.values["noise"]
    rows["noise"].number.setValue(24.0)
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    result = document.rootNode().childNodes()[-1]
    seen["result"] = {"name": result.name(), "pixels": pixels(result)}
    document.setActiveNode(source)
    yield 300
    rows["noise"].set_value(3.0)
    document.setActiveNode(result)
    yield 300
    seen["settings of the result"] = docker.values
    png = answer.with_suffix(".png")
    document.saveAs(str(png))

    docker._presets.save("evening")
    rows["noise"].set_value(3.0)
    docker._presets.list.activated.emit(docker._presets.list.findText("evening"))
    seen["preset"] = docker.values
    sky = document.createNode("Sky", "paintlayer")
    sky.setPixelData(fake.QtCore.QByteArray(bytes([255]) * 4 * 20 * HEIGHT), 0, 0, 20, HEIGHT)
    document.rootNode().addChildNode(sky, source)
    document.setActiveNode(source)
    yield 300
    rows["noise"].map.showPopup()
    rows["noise"].map.hidePopup()
    seen["maps"] = [rows["noise"].map.itemText(i) for i in range(rows["noise"].map.count())]
    rows["noise"].map.choose("Sky")
    rows["noise"].number.setValue(40.0)
    yield from wait(docker, lambda: docker.preview and docker.preview.is_complete)
    seen["painted"] = encoded(docker.preview.overlay.image)
    docker.stop.click()
    seen["is over"] = docker.preview is None
    return seen


def drag(widget: Any, way: Any) -> None:
    """Press the left button on a widget's middle, move, and release."""
    kinds, button = fake.QtCore.QEvent.Type, fake.QtCore.Qt.MouseButton.LeftButton
    middle = fake.QtCore.QPointF(widget.rect().center())
    for kind, at, buttons in (
        (kinds.MouseButtonPress, middle, button),
        (kinds.MouseMove, middle + way, button),
        (kinds.MouseButtonRelease, middle, fake.QtCore.Qt.MouseButton.NoButton),
    ):
        none = fake.QtCore.Qt.KeyboardModifier.NoModifier
        event = fake.QtGui.QMouseEvent(kind, at, at, button, buttons, none)
        fake.QtWidgets.QApplication.sendEvent(widget, event)


def picture() -> bytes:
    """Opaque colours with grain, blue first."""
    values = (
        ((5 * x + 37 * (x * y % 7)) % 256, (3 * y + 29 * (x + y) % 11) % 256, x * y % 256, 255)
        for y in range(HEIGHT)
        for x in range(WIDTH)
    )
    return b"".join(map(bytes, values))


def pixels(node: Any) -> str:
    """Of the picture, as Krita has them."""
    return base64.b64encode(bytes(node.pixelData(0, 0, WIDTH, HEIGHT))).decode()


def encoded(image: Any) -> str:
    """The corner of an image in which the picture is, RGBA."""
    image = image.copy(0, 0, WIDTH, HEIGHT)
    image = image.convertToFormat(fake.QtGui.QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return base64.b64encode(bytes(bits)).decode()


def wait(docker: Any, look: Any) -> Steps:
    """Until `look()` is true."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"it did not come: {docker.status.text()}"
        yield 20
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
