"""Apply: a full render, from reading its subject to the new layer, without holding Krita up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krita import Krita
from rheostat_client import installed
from rheostat_client.connection import Rendered
from rheostat_client.controls import title
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Piece
from rheostat_client.texts import _
from rheostat_client.workbench import Workbench

from . import draft, nodes
from .loop import QtLoop, Work
from .nodes import Opened, Subject

Tell = Callable[[str, bool], None]  # words, whether they name a problem


class Apply:
    """Begins at once; `done` gets the id of the new layer, or nothing if there is none.

    It is the Screen of its workbench.
    """

    def __init__(
        self,
        loop: QtLoop,
        model: ModelInfo,
        values: Mapping[str, float],
        subject: Subject,
        tell: Tell,
        progress: Callable[[float], None],
        done: Callable[[str], None],
    ) -> None:
        """Filter `subject` at `values`; `tell` and `progress` hear of it."""
        self.subject = subject
        self._loop, self._model, self._values = loop, model, dict(values)
        self._tell, self._progress, self._done = tell, progress, done
        self._bench: Workbench | None = None
        self._opened: Opened | None = None
        self._work: Work = loop.work(nodes.open_(subject, "F32"), self._render, self._fail)

    def stop(self) -> None:
        """Leave it; the document is as it was, and `done` is not called."""
        self._work.stop()
        if self._bench:
            self._bench.close()
        self.say(_("The filter was cancelled."), False)

    def show(self, piece: Piece) -> None:
        """There are no previews."""

    def say(self, words: str, is_problem: bool) -> None:
        """Pass it on."""
        self._tell(words, is_problem)

    def progress(self, share: float) -> None:
        """Pass it on."""
        self._progress(share)

    def finish(self, result: Rendered | None) -> None:
        """Write what was rendered."""
        if self._bench:
            self._bench.close()
        if result is None or self._opened is None:
            self._done("")
            return
        name = title(self._model.name, self._model.controls, self._values)
        if self._model.scale > 1:
            self._work = self._loop.work(draft.enlarge(result, name), self._view, self._fail)
        else:
            steps = draft.add(self._opened, result, name)
            self._work = self._loop.work(steps, self._done, self._fail)

    def _view(self, document: Any) -> None:
        """Bring a new document to the front, which Krita tells the docker of within that."""
        self._done("")
        Krita.instance().activeWindow().addView(document)
        document.refreshProjection()

    def _render(self, opened: Opened) -> None:
        self._opened = opened
        start, model, pixels = installed.start_command(), self._model, opened.source.pixels
        self._bench = Workbench(
            self._loop, start, "Krita", model, pixels, opened.maps, opened.box, self
        )
        self._bench.apply(self._values)

    def _fail(self, error: Exception) -> None:
        self.say(str(error), True)
        self._done("")
