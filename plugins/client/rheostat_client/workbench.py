"""Workbench: one source under the sliders. Previews follow them; `apply` renders it in full.

Everything a dialog or a docker does between its sliders and its canvas that is not the host's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from .canvas import Canvas
from .connection import Grey, Region, Rendered
from .errors import RheostatError
from .messages import Estimated, Progress
from .models import ModelInfo
from .previews import Event, Finished, Piece
from .sessions import Layer, Loop, Session
from .texts import _, advance

FOCUS = 512  # pixels a side of what is shown first, at most


class Screen(Protocol):
    """What a host shows; called from its loop only."""

    def show(self, piece: Piece) -> None:
        """Put a finished piece of a preview on the canvas."""
        ...

    def say(self, words: str, is_problem: bool) -> None:
        """Show a line, in place of the one before."""
        ...

    def progress(self, share: float) -> None:
        """Show how much of the full render is done, 0..1."""
        ...

    def finish(self, result: Rendered | None) -> None:
        """The full render is over; None if it failed or was stopped, which was said before."""
        ...


class Workbench:
    """The pixels of a source at the daemon, and what was asked of them last."""

    def __init__(
        self,
        loop: Loop,
        start: Sequence[str],
        program: str,
        model: ModelInfo,
        pixels: Layer,
        maps: Mapping[str, Grey],
        box: Region,
        screen: Screen,
    ) -> None:
        """For `box` (x, y, width, height) of the source `pixels`, which are sent when first needed.

        `maps` has painted λ by control id; `start` and `program` as for a Session.
        """
        self._model, self._box, self._screen = model, box, screen
        self._session = Session(loop, start, program, model.id, pixels, maps, self._hear)
        self._canvas: Canvas | None = None
        self._is_applying = False
        self._answer: Callable[[float], None] | None = None
        self._is_refused = False  # an estimate was; that stays to be read until something is asked

    @property
    def is_applying(self) -> bool:
        """Whether a full render is on its way; previews wait for its end."""
        return self._is_applying

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked is still to come."""
        return self._session.is_busy

    def preview(self, values: Mapping[str, float], focus: Region | None = None) -> None:
        """Show these positions on the canvas, `focus` (or the middle) first.

        Results that are larger than the source are not shown.
        """
        if not self._is_applying and self._model.scale == 1:
            self._is_refused = False
            self._session.ask(values, self._box, focus or middle(self._box), "preview")

    def estimate(self, control: str, answer: Callable[[float], None]) -> None:
        """Find out what `control`, which has `auto`, should be, and tell `answer`.

        `Screen.say` hears of it if the pixels do not tell.
        """
        self._answer, self._is_refused = answer, False
        self._session.estimate(control, self._box)

    def apply(self, values: Mapping[str, float]) -> None:
        """Render in full; `Screen.finish` gets the result."""
        self._is_applying, self._canvas, self._is_refused = True, None, False
        self._screen.progress(0.0)
        self._session.ask(values, self._box, None, "apply")

    def stop(self) -> None:
        """Want neither preview nor full render any more."""
        self._session.cancel()
        if self._is_applying:
            self._screen.say(_("The filter was cancelled."), False)
            self._end(None)

    def send_maps(self, maps: Mapping[str, Grey]) -> None:
        """Have other painted maps from the next preview on."""
        self._session.send_maps(maps)

    def close(self) -> None:
        """Leave the daemon; nothing more is told."""
        self._session.close()

    def _hear(self, event: Event | str) -> None:
        if isinstance(event, str):
            self._screen.say(_("The daemon is being reached…"), False)
        elif isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, RheostatError):
            self._screen.say(str(event), True)
            self._is_refused = event.code == "no-estimate"
            if self._is_applying and not self._is_refused:
                self._end(None)
        elif isinstance(event, Estimated):
            if self._answer:
                self._answer(event.value)
        elif isinstance(event, Piece):
            self._receive(event)
        else:
            self._finish(event)

    def _advance(self, progress: Progress) -> None:
        share = progress.done / max(1, progress.total)
        if self._is_applying:
            self._screen.progress(share)
        self._tell(advance(progress.state, share, progress.left))

    def _receive(self, piece: Piece) -> None:
        if not self._is_applying:
            self._screen.show(piece)
            return
        if self._canvas is None:
            x, y, width, height = (self._model.scale * number for number in self._box)
            self._canvas = Canvas((x, y, width, height), piece.format)
        self._canvas.paste(piece, [piece.pixels])

    def _finish(self, end: Finished) -> None:
        words = _("{device}: {milliseconds} ms")
        self._tell(words.format(device=end.device, milliseconds=round(end.milliseconds)))
        if self._is_applying:
            self._end(Rendered.of(self._canvas, end.settings, end.milliseconds, end.device))

    def _tell(self, words: str) -> None:
        if not self._is_refused:
            self._screen.say(words, False)

    def _end(self, result: Rendered | None) -> None:
        self._is_applying, self._canvas = False, None
        self._screen.finish(result)


def middle(box: Region) -> Region:
    """The middle of a box, at most FOCUS pixels a side."""
    x, y, width, height = box
    across, down = min(width, FOCUS), min(height, FOCUS)
    return x + (width - across) // 2, y + (height - down) // 2, across, down
