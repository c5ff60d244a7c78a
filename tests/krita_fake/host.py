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

    scenarios = {
        "contract": keep_contract,
        "filter": filter_layer,
        "select": select_while_filtering,
        "documents": go_from_document_to_document,
        "restore": restore_settings,
        "nothing": have_no_models,
    }
    steps = scenarios[scenario](Path(answer))
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
    (docker,) = krita.dockers()
    window.actions["rheostat_tiny"].trigger()
    document, source = opened()
    rows = {row.control.id: row for row in docker._rows}
    seen: dict[str, Any] = {"is shown": docker.isVisible(), "source": pixels(source)}

    rows["noise"].slider.setValue(110)
    seen["slid"] = docker.values["noise"]
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


def select_while_filtering(_answer: Path) -> Steps:
    """A person selects, applies, selects something else meanwhile, and changes the results."""
    krita = fake.Krita.instance()
    (docker,) = krita.dockers()
    docker.choose("tiny")
    document, source = opened(margin=8)
    docker.compare.preview.setChecked(False)
    rows = {row.control.id: row for row in docker._rows}
    rows["noise"].set_value(24.0)
    seen: dict[str, Any] = {"leaks": 0}

    def leak() -> list[Any]:
        seen["leaks"] += 1
        return []

    document.setSelection(selection(4, 8, 16, 12))
    yield from begin(docker)
    document.setSelection(selection(0, 0, 4, 4))
    yield from wait(docker, lambda: not docker.is_applying)
    part = document.rootNode().childNodes()[-1]
    seen["masks"] = [shades(mask) for mask in part.childNodes()]

    document.setSelection(None)
    source.setPixelData(fake.QtCore.QByteArray(picture()), 0, 0, WIDTH, HEIGHT)
    seen["source"] = pixels(source)
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    document.setSelection(selection(0, 0, 4, 4))
    for name in ("part", "whole"):
        result = document.rootNode().childNodes()[1 if name == "whole" else -1]
        document.setActiveNode(result)
        yield 300
        docker.compare.preview.setChecked(True)
        rows["noise"].number.setValue(40.0)
        yield from wait(docker, lambda: docker.preview and docker.preview.is_complete)
        seen[f"preview of the {name}"] = encoded(docker.preview.overlay.image)
        masks = result.childNodes()
        result.childNodes = leak
        for mask in masks:
            mask.selection = leak
        yield from look(docker)
        del result.childNodes
        for mask in masks:
            del mask.selection
        docker.compare.preview.setChecked(False)
        at = document.rootNode().childNodes().index(result)
        docker.button.click()
        yield from wait(docker, lambda: not docker.is_applying)
        seen[f"changed {name}"] = pixels(document.rootNode().childNodes()[at])

    document.setActiveNode(source)
    document.setSelection(selection(4, 8, 16, 12))
    yield 300
    docker.compare.preview.setChecked(True)
    yield from wait(docker, lambda: docker.preview and docker.preview.is_complete)
    document.selection().setPixelData(fake.QtCore.QByteArray(bytes(4)), 8, 12, 2, 2)
    yield from look(docker)
    seen["with a hole"] = encoded(docker.preview.overlay.image)
    docker.compare.preview.setChecked(False)

    document.resizeImage(-6, -3, WIDTH + 6, HEIGHT + 3)
    document.setActiveNode(document.rootNode().childNodes()[-1])
    yield 300
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    part = document.rootNode().childNodes()[-1]
    seen["part on a larger canvas"] = pixels(part, 6, 3)
    part.setPixelData(fake.QtCore.QByteArray(bytes(4 * WIDTH * HEIGHT)), 6, 3, WIDTH, HEIGHT)
    document.setActiveNode(part)
    yield 300
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    seen["emptied part"] = pixels(document.rootNode().childNodes()[-1], 6, 3)
    return seen


def go_from_document_to_document(_answer: Path) -> Steps:
    """A person looks at other documents and models while results are made, and enlarges one."""
    krita: Any = fake.Krita.instance()
    window = krita.activeWindow()
    (docker,) = krita.dockers()
    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    seen: dict[str, Any] = {}

    document, source = opened()
    yield from begin(docker)
    docker.choose("upscaler")
    other, _ = opened()
    yield from wait(docker, lambda: not docker.is_applying)
    seen["layers"] = [len(each.rootNode().childNodes()) for each in (document, other)]
    docker.choose("tiny")
    yield from begin(docker)
    other.close()
    seen["is busy without its document"] = docker.is_applying

    events: list[str] = []

    def stopping() -> Any:
        try:
            work.stop()
            yield
            events.append("went on")
        finally:
            events.append("closed")

    work = docker._loop.work(stopping(), events.append, events.append)
    yield 100
    seen["stopped within a step"] = events

    def fail(*_box: int) -> Any:
        raise KeyError("unforeseen")

    traces: list[str] = []
    hook, sys.excepthook = sys.excepthook, lambda kind, *_: traces.append(kind.__name__)
    read, source.projectionPixelData = source.projectionPixelData, fail
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    yield 100
    seen["fault"] = [docker.status.text(), docker.button.isEnabled(), traces]
    sys.excepthook, source.projectionPixelData = hook, read

    docker.choose("upscaler")
    vars(sys.modules["rheostat.loop"])["TURN"] = 0  # so that it can be cancelled at every step
    create = krita.createDocument

    def enlarged() -> list[Any]:
        return [each for each in krita.documents() if each.width() == 2 * WIDTH]

    def create_and_cancel(*words: Any) -> Any:
        fake.QtCore.QTimer.singleShot(0, docker.stop.click)
        return create(*words)

    krita.createDocument = create_and_cancel
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    krita.createDocument = create
    seen["cancelled"] = [docker.status.text(), len(enlarged()), krita.activeDocument() is document]
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    seen["enlarged"] = [len(enlarged()), krita.activeDocument() in enlarged()]
    seen["drawn"] = bool(krita.activeDocument().rootNode().childNodes()[-1].grid.pixels)
    seen["untouched"] = len(document.rootNode().childNodes())
    seen["left open"] = len(krita.documents()) - len(window.documents)
    return seen


def restore_settings(_answer: Path) -> Steps:
    """A person selects a result with a painted control, while another model is shown."""
    (docker,) = fake.Krita.instance().dockers()
    seen: dict[str, Any] = {"words at the start": docker.status.text()}

    def noise() -> Any:
        return next(row for row in docker._rows if row.control.id == "noise")

    docker.choose("tiny")
    docker.compare.preview.setChecked(False)
    document, source = opened()
    sky = document.createNode("Sky", "paintlayer")
    sky.setPixelData(fake.QtCore.QByteArray(bytes([255]) * 4 * 20 * HEIGHT), 0, 0, 20, HEIGHT)
    document.rootNode().addChildNode(sky, source)
    noise().set_value(40.0)
    noise().map.choose("Sky")
    root = document.rootNode()

    def add(child: Any, above: Any) -> None:
        fake.Node.addChildNode(root, child, above)
        document.setActiveNode(child)  # as Krita does

    root.addChildNode = add
    docker.button.click()
    yield from wait(docker, lambda: not docker.is_applying)
    seen["applied words"] = docker.origin.text()
    (result,) = (n for n in document.rootNode().childNodes() if n.name().startswith("Tiny"))
    preview = vars(sys.modules["rheostat.preview"])["Preview"]
    ask, asked = preview.ask, list[Any]()

    def note(self: Any, values: Any) -> None:
        asked.append(values["noise"])
        ask(self, values)

    for name in ("unticked", "calm", "previewed"):
        docker.compare.preview.setChecked(False)
        document.setActiveNode(source)
        yield 300
        seen["source words"] = docker.origin.text()
        docker.choose("other")
        noise().set_value(3.0)
        docker.compare.preview.blockSignals(name == "calm")
        docker.compare.preview.setChecked(name != "unticked")
        docker.compare.preview.blockSignals(False)
        yield 300
        asked.clear()
        preview.ask = note
        document.setActiveNode(result)
        yield 300
        preview.ask = ask
        painted = docker.preview and sorted(docker.preview.subject.painted)
        seen[name] = [docker.model.id, docker.values["noise"], noise().map.chosen, painted]
        seen[f"{name} asked"] = list(asked)
        seen[f"{name} words"] = docker.origin.text()
    return seen


def have_no_models(_answer: Path) -> Steps:
    """A person looks at the docker."""
    (docker,) = fake.Krita.instance().dockers()
    opened()
    yield 500
    return {"words": docker.status.text(), "can be used": docker.button.isEnabled()}


def opened(margin: int = 0) -> tuple[Any, Any]:
    """A document in front with the picture, without the leftmost columns; and its layer."""
    krita = fake.Krita.instance()
    document = krita.createDocument(WIDTH, HEIGHT, "any", "RGBA", "U8", SRGB, 300.0)
    krita.activeWindow().addView(document)
    source = document.rootNode().childNodes()[0]
    source.setPixelData(fake.QtCore.QByteArray(picture()), 0, 0, WIDTH, HEIGHT)
    source.setPixelData(fake.QtCore.QByteArray(bytes(4 * margin * HEIGHT)), 0, 0, margin, HEIGHT)
    return document, source


def selection(x: int, y: int, width: int, height: int) -> Any:
    """A box, selected by four fifths."""
    made = fake.Selection()
    made.setPixelData(fake.QtCore.QByteArray(bytes([204]) * width * height), x, y, width, height)
    return made


def shades(mask: Any) -> str:
    """Of a mask, where the picture is."""
    return base64.b64encode(bytes(mask.pixelData(0, 0, WIDTH, HEIGHT))).decode()


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


def pixels(node: Any, x: int = 0, y: int = 0) -> str:
    """Of the picture, as Krita has them; its corner is at `x`, `y`."""
    return base64.b64encode(bytes(node.pixelData(x, y, WIDTH, HEIGHT))).decode()


def encoded(image: Any) -> str:
    """The corner of an image in which the picture is, RGBA."""
    image = image.copy(0, 0, WIDTH, HEIGHT)
    image = image.convertToFormat(fake.QtGui.QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return base64.b64encode(bytes(bits)).decode()


def begin(docker: Any) -> Steps:
    """Click Apply, and wait until the pixels are read."""
    docker.button.click()
    apply = docker._apply  # which may be over before the next look
    yield from wait(docker, lambda: apply._bench, every=1)
    return None


def look(docker: Any) -> Steps:
    """Until the preview has looked at every row, and shows what it has seen."""
    looks = docker.preview._looks + vars(sys.modules["rheostat.nodes"])["PHASES"]
    yield from wait(docker, lambda: docker.preview._looks >= looks)
    yield from wait(docker, lambda: docker.preview.is_complete)
    return None


def wait(docker: Any, look: Any, every: int = 20) -> Steps:
    """Until `look()` is true, looking every so many milliseconds."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"it did not come: {docker.status.text()}"
        yield every
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
