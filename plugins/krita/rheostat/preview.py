"""Preview: the overlay, kept true while sliders, view, selection, layer and maps change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krita import Krita
from rheostat_client import installed
from rheostat_client.comparing import Split
from rheostat_client.connection import Region, Rendered
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Piece
from rheostat_client.workbench import Workbench

from . import nodes
from .loop import QtLoop, Work
from .nodes import Opened, Subject
from .overlay import Overlay, canvas_of

Values = Mapping[str, float]
Tell = Callable[[str, bool], None]  # words, whether they name a problem


class Preview:
    """What the sliders do to one subject, over the canvas. `look` is to be called all the time.

    It is the Screen of its workbench.
    """

    def __init__(
        self,
        loop: QtLoop,
        model: ModelInfo,
        subject: Subject,
        split: Split,
        divide: Callable[[float], None],
        tell: Tell,
    ) -> None:
        """Read the subject; `tell` hears what the daemon says.

        `divide` hears where the divider is dragged on the canvas.
        """
        self.subject = subject
        self._loop, self._model, self._split, self._tell = loop, model, split, tell
        self._divide = divide
        self._overlay: Overlay | None = None
        self._bench: Workbench | None = None
        self._opened: Opened | None = None
        self._work: Work | None = None
        self._values: Values = {}
        self._unknown: tuple[str, Callable[[float], None]] | None = None  # waits for the pixels
        self._focus: Region | None = None
        self._looks = 0
        self._open()

    @property
    def overlay(self) -> Overlay | None:
        """The widget over the canvas, once there is something to show."""
        return self._overlay

    @property
    def is_complete(self) -> bool:
        """Whether all of the newest position is shown."""
        return self._bench is not None and self._work is None and not self._bench.is_busy

    def ask(self, values: Values) -> None:
        """Show this position."""
        self._values = dict(values)
        if self._opened is None and self._work is None:
            self._open()  # it has failed before
        self._ask()

    def estimate(self, control: str, take: Callable[[float], None]) -> None:
        """Find out what `control`, which has `auto`, should be, and let `take` have it."""
        self._unknown = control, take
        if self._bench and not self._work:
            self._estimate()

    def show(self, piece: Piece) -> None:
        """Draw a finished piece."""
        if self._overlay:
            self._overlay.show_piece(piece)

    def split(self, split: Split) -> None:
        """Hold that much of the result back."""
        self._split = split
        if self._overlay:
            self._overlay.split(split)

    def say(self, words: str, is_problem: bool) -> None:
        """Pass it on."""
        self._tell(words, is_problem)

    def progress(self, share: float) -> None:
        """There are no full renders."""

    def finish(self, result: Rendered | None) -> None:
        """There are no full renders."""

    def look(self) -> None:
        """Read again what was painted on meanwhile; render first what is in sight now."""
        opened = self._opened
        if opened is None or self._work is not None:
            return
        self._looks += 1
        selection, phase = self.subject.selection(), self._looks % nodes.PHASES
        if not opened.selects_as(selection, phase) or opened.source.marks.have_changed():
            self._open()
        elif any(mark.have_changed() for mark in opened.marks):
            self._read(nodes.read_maps(self.subject, opened.source), self._repainted)
        elif not self.is_complete and self._overlay and self._overlay.focus() != self._focus:
            self._ask()

    def close(self) -> None:
        """Take everything away; the document is as it was."""
        if self._work:
            self._work.stop()
        if self._bench:
            self._bench.close()
        if self._overlay:
            self._overlay.remove()
        self._work = self._bench = self._overlay = None

    def _open(self) -> None:
        self._read(nodes.open_(self.subject, "U8"), self._begin)

    def _read(self, steps: Any, then: Any) -> None:
        if self._work:
            self._work.stop()

        def end(result: Any) -> None:
            self._work = None
            then(result)

        self._work = self._loop.work(steps, end, self._fail)

    def _begin(self, opened: Opened) -> None:
        if self._bench:
            self._bench.close()
        self._opened = opened
        if self._overlay:
            self._overlay.take(opened)
        else:
            window = Krita.instance().activeWindow()
            canvas = canvas_of(window) if window else None
            if canvas is not None:
                view, split = window.activeView(), self._split
                self._overlay = Overlay(canvas, view, opened, split, self._divide)
                self._overlay.destroyed.connect(self._forget)  # with the canvas, or by us
        start, model, pixels = installed.start_command(), self._model, opened.source.pixels
        self._bench = Workbench(
            self._loop, start, "Krita", model, pixels, opened.maps, opened.box, self
        )
        self._estimate()
        self._ask()

    def _repainted(self, found: Any) -> None:
        maps, marks = found
        if self._opened and self._bench:
            self._opened = self._opened._replace(maps=maps, marks=marks)
            self._bench.send_maps(maps)
            self._ask()

    def _ask(self) -> None:
        if self._bench is None or self._opened is None or not self._values:
            return
        self._focus = self._overlay.focus() if self._overlay else None
        self._bench.preview(self._values, _common(self._focus, self._opened.box))

    def _estimate(self) -> None:
        if self._bench and self._unknown:
            self._bench.estimate(*self._unknown)
            self._unknown = None

    def _forget(self) -> None:
        self._overlay = None

    def _fail(self, error: Exception) -> None:
        self._work = self._opened = None
        self.say(str(error), True)


def _common(focus: Region | None, box: Region) -> Region | None:
    if focus is None:
        return None
    left, top = max(focus[0], box[0]), max(focus[1], box[1])
    right = min(focus[0] + focus[2], box[0] + box[2])
    bottom = min(focus[1] + focus[3], box[1] + box[3])
    return (left, top, right - left, bottom - top) if left < right and top < bottom else None
