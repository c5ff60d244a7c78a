"""Clip: every frame of an animated layer in full, with sliders that move, as one animated layer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Optional

from krita import Krita
from rheostat_client import installed
from rheostat_client.connection import Rendered
from rheostat_client.errors import RheostatError
from rheostat_client.keyframes import Keys, at, to_plain
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Piece
from rheostat_client.texts import _
from rheostat_client.workbench import Workbench

from . import nodes, records
from .draft import fill
from .loop import WAIT, QtLoop, Steps
from .nodes import Subject
from .spaces import FORMATS, SRGB, Converter, Space, space_of, srgb, swapped

Answer = Optional[Rendered]


class Clip:
    """Begins at once; `done` gets the id of the new layer, or nothing if there is none.

    It is the Screen of its workbenches.
    """

    def __init__(
        self,
        loop: QtLoop,
        model: ModelInfo,
        keys: Keys,
        subject: Subject,
        tell: Callable[[str, bool], None],
        progress: Callable[[float], None],
        done: Callable[[str], None],
    ) -> None:
        """Filter all frames of `subject`, whose sliders have `keys`, of which there is one."""
        self.subject = subject
        self._loop, self._model, self._keys = loop, model, keys
        self._tell, self._progress, self._done = tell, progress, done
        self._answer: Answer = None
        self._is_waiting = False
        self._work = loop.work(self._render(), done, self._fail)

    def stop(self) -> None:
        """Leave it; the document is as it was, and `done` is not called."""
        self._work.stop()
        self._tell(_("The filter was cancelled."), False)

    def show(self, piece: Piece) -> None:
        """There are no previews."""

    def say(self, words: str, is_problem: bool) -> None:
        """Tell of problems only; frames are counted instead."""
        if is_problem:
            self._tell(words, True)

    def progress(self, share: float) -> None:
        """Frames are counted instead."""

    def finish(self, result: Answer) -> None:
        """One frame is over."""
        self._answer, self._is_waiting = result, False

    def _render(self) -> Steps:
        frames = drawings(self.subject)
        with tempfile.TemporaryDirectory(prefix="rheostat-") as folder:
            results: dict[int, Rendered] = {}
            for number, frame in enumerate(frames):
                words = _("Frame {frame} of {first} to {last}")
                self._tell(words.format(frame=frame, first=frames[0], last=frames[-1]), False)
                self._progress(number / len(frames))
                result = yield from self._frame(frame)
                if result is None:
                    return ""
                file = Path(folder) / str(frame)
                file.write_bytes(result.pixels)  # a clip need not fit into memory
                results[frame] = replace(result, pixels=b"")
            return (yield from self._add(results, Path(folder)))

    def _frame(self, frame: int) -> Steps:
        subject = self.subject
        pixels = yield from _read(subject, frame)
        box = (0, 0, pixels[2], pixels[3])
        start = installed.start_command()
        bench = Workbench(self._loop, start, "Krita", self._model, pixels, {}, box, self)
        try:
            self._is_waiting = True
            bench.apply(at(self._keys, self._model.controls, frame))
            while self._is_waiting:
                yield WAIT
        finally:
            bench.close()
        return self._answer

    def _add(self, results: dict[int, Rendered], folder: Path) -> Steps:
        """The layer once more, with other pixels in its frames.

        Krita's scripts cannot make frames as one step to undo; a copy has them already. It is
        filled in a document of its own, where the time may be another.
        """
        subject = self.subject
        space = space_of(subject.node)
        draft = Krita.instance().createDocument(1, 1, "Rheostat", *space, 300.0)
        yield
        try:
            draft.rootNode().addChildNode(subject.node.clone(), None)
            layer = draft.rootNode().childNodes()[-1]
            for frame, result in results.items():
                draft.setCurrentTime(frame)
                draft.waitForDone()
                converter = Converter(srgb(result.format), space)
                try:
                    pixels = (folder / str(frame)).read_bytes()
                    whole = replace(result, pixels=pixels)
                    yield from fill(layer, whole, converter, 0, 0)
                finally:
                    converter.close()
            subject.check()
            first = min(results)
            name = f"{self._model.name} · {subject.node.name()}"
            made = subject.settings(results[first].settings, name)
            source = {**made.source, "keys": to_plain(self._keys)}
            made = replace(made, region=None, source=source)
            made = records.marked(subject.document, made, layer, subject.node)
            yield
            subject.check()
            copy = layer.clone()
            copy.setName(name)
            above = subject.result or subject.node
            above.parentNode().addChildNode(copy, above)
            id: str = copy.uniqueId().toString()
            records.remember(subject.document, id, made)
            if subject.result is not None:
                yield
                subject.result.remove()
        finally:
            draft.setModified(False)
            draft.close()
        return id

    def _fail(self, error: Exception) -> None:
        self._tell(str(error), True)
        self._done("")


def drawings(subject: Subject) -> list[int]:
    """The frames of the layer that are drawn, within what is played; RheostatError if none is."""
    document, node = subject.document, subject.node
    played = range(document.playBackStartTime(), document.playBackEndTime() + 1)
    found = [frame for frame in played if node.hasKeyframeAtTime(frame)]
    if not found or node.type() != "paintlayer":
        raise RheostatError(
            "bad-picture",
            _("'{name}' has no frames in what is played.").format(name=node.name()),
            _("Select an animated paint layer."),
        )
    return found


def _read(subject: Subject, frame: int) -> Steps:
    """The whole picture of a frame, as sessions take it."""
    document, node = subject.document, subject.node
    space = space_of(node)
    depth = space.depth if space.is_plain else "F32"
    converter = Converter(space, Space("RGBA", depth, SRGB))
    width, height = document.width(), document.height()
    parts: list[bytes] = []
    try:
        for top, rows in nodes.strips((0, 0, width, height)):
            raw = bytes(node.pixelDataAtTime(0, top, width, rows, frame))
            parts.append(swapped(bytes(converter.convert(raw, width, rows)), depth))
            yield
    finally:
        converter.close()
    return b"".join(parts), FORMATS[depth], width, height
