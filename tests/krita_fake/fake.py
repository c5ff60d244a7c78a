"""A small Krita: what the plug-in uses of the real one, as far as `contract` says what that does.

It stands on PyQt5 or PyQt6, as the variable FAKE_QT says. Pixels are kept one by one.
"""

from __future__ import annotations

import os
import struct
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

VERSION = int(os.environ["FAKE_QT"])
if VERSION == 6:
    from PyQt6 import QtCore, QtGui, QtWidgets

    QAction = QtGui.QAction
else:
    from PyQt5 import QtCore, QtGui, QtWidgets

    QAction = QtWidgets.QAction

__all__ = ["QtCore", "QtGui", "QtWidgets"]

SIZES = {"U8": 4, "U16": 8, "F32": 16}  # bytes of an RGBA pixel
SCALES = {"U8": ("4B", 255), "U16": ("<4H", 65535), "F32": ("<4f", 1)}


def install() -> None:
    """Be the modules `krita` and `pykrita`, with a window that is open."""
    sys.modules["krita"] = sys.modules[__name__]
    python = types.ModuleType("pykrita")
    python.qt_major_version = lambda: VERSION  # type: ignore[attr-defined]
    sys.modules["pykrita"] = python


class Grid:
    """Pixels wherever they are; others are zero."""

    def __init__(self, size: int) -> None:
        self.size, self.pixels = size, {}  # type: int, dict[tuple[int, int], bytes]

    def copy(self) -> Grid:
        other = Grid(self.size)
        other.pixels = dict(self.pixels)
        return other

    def read(self, x: int, y: int, width: int, height: int) -> Any:
        zero = bytes(self.size)
        places = ((x + i, y + j) for j in range(height) for i in range(width))
        return QtCore.QByteArray(b"".join(self.pixels.get(place, zero) for place in places))

    def write(self, data: Any, x: int, y: int, width: int, height: int) -> None:
        raw, size = bytes(data), self.size
        assert len(raw) == width * height * size
        for at in range(width * height):
            place, pixel = (x + at % width, y + at // width), raw[at * size : (at + 1) * size]
            self.pixels[place] = pixel
            if not any(pixel):
                del self.pixels[place]

    def move(self, x: int, y: int) -> None:
        self.pixels = {(i + x, j + y): pixel for (i, j), pixel in self.pixels.items()}

    def bounds(self) -> Any:
        if not self.pixels:
            return QtCore.QRect()
        left, top = (min(place[i] for place in self.pixels) for i in (0, 1))
        right, bottom = (max(place[i] for place in self.pixels) + 1 for i in (0, 1))
        return QtCore.QRect(left, top, right - left, bottom - top)


class Selection:
    """Shades from 0 to 255."""

    def __init__(self) -> None:
        self.grid = Grid(1)

    def setPixelData(self, data: Any, *box: int) -> None:  # noqa: N802
        self.grid.write(data, *box)

    def pixelData(self, *box: int) -> Any:  # noqa: N802
        return self.grid.read(*box)

    def duplicate(self) -> Selection:
        other = Selection()
        other.grid = self.grid.copy()
        return other

    def x(self) -> int:
        return int(self.grid.bounds().x())

    def y(self) -> int:
        return int(self.grid.bounds().y())

    def width(self) -> int:
        return int(self.grid.bounds().width())

    def height(self) -> int:
        return int(self.grid.bounds().height())


class Node:
    """A layer, a group or a mask."""

    def __init__(self, name: str, type: str, space: tuple[str, str, str]) -> None:
        self._name, self._type, self._space = name, type, space
        self._id = QtCore.QUuid.createUuid()
        self._children: list[Node] = []
        self._parent: Node | None = None
        self._document: Document | None = None  # of a root
        self.is_visible = True
        self.grid = Grid(1 if type.endswith("mask") else SIZES[space[1]])

    def name(self) -> str:
        return self._name

    def setName(self, name: str) -> None:  # noqa: N802
        self._name = name

    def type(self) -> str:
        return self._type

    def uniqueId(self) -> Any:  # noqa: N802
        return self._id

    def visible(self) -> bool:
        return self.is_visible

    def animated(self) -> bool:
        return False

    def colorModel(self) -> str:  # noqa: N802
        return self._space[0]

    def colorDepth(self) -> str:  # noqa: N802
        return self._space[1]

    def colorProfile(self) -> str:  # noqa: N802
        return self._space[2]

    def setColorSpace(self, *space: str) -> None:  # noqa: N802
        self.grid.pixels = {
            place: _converted(pixel, self._space[1], space[1])
            for place, pixel in self.grid.pixels.items()
        }
        self.grid.size = SIZES[space[1]]
        self._space = (space[0], space[1], space[2])

    def bounds(self) -> Any:
        found = self.grid.bounds()
        for child in self._children if self._type == "grouplayer" else []:
            found = found.united(child.bounds())
        return found

    def pixelData(self, *box: int) -> Any:  # noqa: N802
        return self.grid.read(*box)

    def projectionPixelData(self, *box: int) -> Any:  # noqa: N802
        if self._type != "grouplayer":
            return self.grid.read(*box)
        whole = Grid(self.grid.size)
        for child in self._children:
            whole.pixels.update(child.grid.pixels)
        return whole.read(*box)

    def setPixelData(self, data: Any, *box: int) -> None:  # noqa: N802
        self.grid.write(data, *box)

    def setSelection(self, selection: Selection) -> None:  # noqa: N802
        self.grid = selection.grid

    def selection(self) -> Selection:
        found = Selection()
        found.grid = self.grid
        return found

    def childNodes(self) -> list[Node]:  # noqa: N802
        return list(self._children)

    def parentNode(self) -> Node | None:  # noqa: N802
        return self._parent

    def addChildNode(self, child: Node, above: Node | None) -> None:  # noqa: N802
        at = self._children.index(above) + 1 if above else len(self._children)
        self._step(lambda: self._insert(child, at), lambda: self._take(child))

    def remove(self) -> None:
        parent = self._parent
        assert parent
        at = parent._children.index(self)
        parent._step(lambda: parent._take(self), lambda: parent._insert(self, at))

    def clone(self) -> Node:
        other = Node(self._name, self._type, self._space)
        other.grid = self.grid.copy()
        for child in self._children:
            other.addChildNode(child.clone(), None)
        return other

    def everything(self) -> Iterator[Node]:
        """It, and all within."""
        yield self
        for child in self._children:
            yield from child.everything()

    def _insert(self, child: Node, at: int) -> None:
        self._children.insert(at, child)
        child._parent = self

    def _take(self, child: Node) -> None:
        self._children.remove(child)
        child._parent = None

    def _step(self, do: Callable[[], None], undo: Callable[[], None]) -> None:
        root = self
        while root._parent:
            root = root._parent
        if root._document is None:
            do()
        else:
            root._document.step(do, undo)


class Document:
    """A picture with layers."""

    def __init__(self, width: int, height: int, space: tuple[str, str, str]) -> None:
        self._size, self._space = (width, height), space
        self._annotations: dict[str, Any] = {}
        self._selection: Selection | None = None
        self._is_modified = False
        self._file = ""
        self.done: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self.undone: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._root = Node("root", "grouplayer", space)
        self._root._insert(self.createNode("Background", "paintlayer"), 0)
        self._root._document = self
        self._active = self._root.childNodes()[0]

    def step(self, do: Callable[[], None], undo: Callable[[], None]) -> None:
        """Do what can be undone."""
        do()
        self.done.append((do, undo))
        self._is_modified = True

    def rootNode(self) -> Node:  # noqa: N802
        return self._root

    def activeNode(self) -> Node:  # noqa: N802
        return self._active

    def setActiveNode(self, node: Node) -> None:  # noqa: N802
        self._active = node

    def createNode(self, name: str, type: str) -> Node:  # noqa: N802
        return Node(name, type, self._space)

    def createGroupLayer(self, name: str) -> Node:  # noqa: N802
        return Node(name, "grouplayer", self._space)

    def createTransparencyMask(self, name: str) -> Node:  # noqa: N802
        return Node(name, "transparencymask", self._space)

    def nodeByUniqueID(self, id: Any) -> Node | None:  # noqa: N802
        return next((node for node in self._root.everything() if node.uniqueId() == id), None)

    def nodeByName(self, name: str) -> Node | None:  # noqa: N802
        return next((node for node in self._root.everything() if node.name() == name), None)

    def annotation(self, type: str) -> Any:
        return self._annotations.get(type, QtCore.QByteArray())

    def setAnnotation(self, type: str, _words: str, data: Any) -> None:  # noqa: N802
        self._annotations[type] = QtCore.QByteArray(data)
        self._is_modified = True

    def selection(self) -> Selection | None:
        return self._selection

    def setSelection(self, selection: Selection | None) -> None:  # noqa: N802
        self._selection = selection

    def bounds(self) -> Any:
        return QtCore.QRect(0, 0, *self._size)

    def width(self) -> int:
        return self._size[0]

    def height(self) -> int:
        return self._size[1]

    def resizeImage(self, x: int, y: int, width: int, height: int) -> None:  # noqa: N802
        """The canvas only; `x` and `y` are its new corner."""
        self._size = (width, height)
        for node in self._root.everything():
            node.grid.move(-x, -y)

    def modified(self) -> bool:
        return self._is_modified

    def setModified(self, is_modified: bool) -> None:  # noqa: N802
        self._is_modified = is_modified

    def setBatchmode(self, _on: bool) -> None:  # noqa: N802
        """There are no questions."""

    def fileName(self) -> str:  # noqa: N802
        return self._file

    def saveAs(self, path: str) -> None:  # noqa: N802
        """A picture of the highest layer."""
        top, size = self._root.childNodes()[-1], self._size
        data = bytes(top.pixelData(0, 0, *size))
        form = QtGui.QImage.Format.Format_ARGB32
        assert QtGui.QImage(data, *size, 4 * size[0], form).save(path)
        self._file = path
        Krita.instance().notifier().imageSaved.emit(path)

    def close(self) -> None:
        Krita.instance().forget(self)

    def tryBarrierLock(self) -> bool:  # noqa: N802
        return True

    def unlock(self) -> None:
        """Nothing goes on."""

    def waitForDone(self) -> None:  # noqa: N802
        """Nothing goes on."""

    def refreshProjection(self) -> None:  # noqa: N802
        """Nothing is shown."""

    def currentTime(self) -> int:  # noqa: N802
        return 0


class KisQPainterCanvas(QtWidgets.QWidget):  # type: ignore[misc]  # PyQt has no types
    """What Krita paints on."""


class View:
    """Shows a document at the canvas's corner."""

    zoom = 1.0

    def flakeToImageTransform(self) -> Any:  # noqa: N802
        return QtGui.QTransform()

    def flakeToCanvasTransform(self) -> Any:  # noqa: N802
        return QtGui.QTransform.fromScale(self.zoom, self.zoom)


class Window:
    """The main window, with a canvas."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.actions: dict[str, Any] = {}
        self._view = View()
        self._window = QtWidgets.QMainWindow()
        area = QtWidgets.QMdiArea()
        middle = QtWidgets.QWidget()
        QtWidgets.QVBoxLayout(middle).addWidget(area)
        self._window.setCentralWidget(middle)
        shown = area.addSubWindow(KisQPainterCanvas())
        self._window.resize(800, 600)
        self._window.show()
        shown.showMaximized()

    def qwindow(self) -> Any:
        return self._window

    def activeView(self) -> View:  # noqa: N802
        return self._view

    def addView(self, document: Document) -> None:  # noqa: N802
        self.documents.append(document)
        Krita.instance().turn()

    def createAction(self, id: str, text: str, _menu: str) -> Any:  # noqa: N802
        self.actions[id] = QAction(text, self._window)
        return self.actions[id]


class Notifier(QtCore.QObject):  # type: ignore[misc]  # PyQt has no types
    """Tells of files."""

    imageClosed = QtCore.pyqtSignal(str)  # noqa: N815
    imageSaved = QtCore.pyqtSignal(str)  # noqa: N815

    def setActive(self, on: bool) -> None:  # noqa: N802
        self.blockSignals(not on)


class Extension(QtCore.QObject):  # type: ignore[misc]  # PyQt has no types
    """Adds entries to menus."""

    def __init__(self, _krita: Krita) -> None:
        super().__init__()


class DockWidget(QtWidgets.QDockWidget):  # type: ignore[misc]  # PyQt has no types
    """A docker."""


class DockWidgetFactoryBase:
    """Where dockers may be; SIP has scoped names only from PyQt6 on, and both before."""

    class DockPosition:
        DockRight = 3


class DockWidgetFactory:
    """Makes a docker for each window."""

    def __init__(self, id: str, place: int, make: Callable[[], Any]) -> None:
        assert place == DockWidgetFactoryBase.DockPosition.DockRight
        self.id, self.make = id, make


class Krita:
    """The program."""

    _only: ClassVar[Krita | None] = None

    def __init__(self) -> None:
        self._window = Window()
        self._notifier = Notifier()
        self._undo, self._redo = (self._window.createAction(i, i, "") for i in ("undo", "redo"))
        self._undo.triggered.connect(lambda: self._step("done", "undone", 1))
        self._redo.triggered.connect(lambda: self._step("undone", "done", 0))
        self._documents: list[Document] = []
        self._dockers: list[Any] = []

    @classmethod
    def instance(cls) -> Krita:
        if cls._only is None:
            cls._only = Krita()
        return cls._only

    def activeWindow(self) -> Window:  # noqa: N802
        return self._window

    def activeDocument(self) -> Document | None:  # noqa: N802
        return self._window.documents[-1] if self._window.documents else None

    def createDocument(  # noqa: N802
        self, width: int, height: int, _name: str, model: str, depth: str, profile: str, _dpi: float
    ) -> Document:
        self._documents.append(Document(width, height, (model, depth, profile)))
        return self._documents[-1]

    def documents(self) -> list[Document]:
        return list(self._documents)

    def forget(self, document: Document) -> None:
        """A document is closed."""
        shown = self._window.documents
        self._window.documents = [each for each in shown if each is not document]
        self.turn()
        self._documents.remove(document)
        self._notifier.imageClosed.emit(document.fileName())

    def turn(self) -> None:
        """Another document may be in front."""
        for docker in self._dockers:
            docker.canvasChanged(None)

    def dockers(self) -> list[Any]:
        return list(self._dockers)

    def action(self, name: str) -> Any:
        action = {"edit_undo": self._undo, "edit_redo": self._redo}[name]
        document = self.activeDocument()
        assert document
        action.setEnabled(bool(document.done if name == "edit_undo" else document.undone))
        return action

    def notifier(self) -> Notifier:
        return self._notifier

    def readSetting(self, _group: str, _name: str, default: str) -> str:  # noqa: N802
        return default

    def addExtension(self, extension: Any) -> None:  # noqa: N802
        extension.setup()
        extension.createActions(self._window)

    def addDockWidgetFactory(self, factory: DockWidgetFactory) -> None:  # noqa: N802
        docker = factory.make()
        docker.setObjectName(factory.id)
        place = QtCore.Qt.DockWidgetArea.RightDockWidgetArea
        self._window.qwindow().addDockWidget(place, docker)
        self._dockers.append(docker)

    def _step(self, source: str, target: str, which: int) -> None:
        document = self.activeDocument()
        step = getattr(document, source).pop()
        step[which]()
        getattr(document, target).append(step)


def _converted(pixel: bytes, old: str, new: str) -> bytes:
    """Whole numbers have blue first, floats red."""
    form, unit = SCALES[old]
    values = [value / unit for value in struct.unpack(form, pixel)]
    if (old == "F32") != (new == "F32"):
        values[0], values[2] = values[2], values[0]
    form, unit = SCALES[new]
    scaled = [value * unit if new == "F32" else round(value * unit) for value in values]
    return struct.pack(form, *scaled)
