"""Uploads: the pictures a connection brings to the daemon, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Optional

from .errors import RheostatError
from .exchange import Exchange, ShouldCancel, check, compose
from .messages import CHUNK, Bytes, Stored, Upload
from .pixels import hasher, pixel_format
from .texts import _

PART = 2 * CHUNK  # bytes of pixels in one message
WINDOW = 2  # messages on their way at once, which bounds memory on both sides

OnProgress = Optional[Callable[[int, int, str], None]]  # done, total, state


class Uploads:
    """What was brought over one exchange; arguments and errors are those of `Connection.upload`."""

    def __init__(self, exchange: Exchange) -> None:
        """Nothing yet."""
        self._exchange = exchange
        self._shapes: dict[str, tuple[str, int, int]] = {}  # form, width, height by hash

    def shape(self, hash: str) -> tuple[str, int, int]:
        """Pixel format, width and height of a picture; RheostatError `unknown-pixels`."""
        if hash in self._shapes:
            return self._shapes[hash]
        raise RheostatError(
            "unknown-pixels",
            f"The picture {hash!r} was not uploaded by this connection.",
            "Upload it first.",
        )

    def bring(
        self,
        pixels: Bytes,
        form: str,
        width: int,
        height: int,
        on_progress: OnProgress,
        should_cancel: ShouldCancel,
    ) -> str:
        """Send what the daemon has not of a picture; its hash."""
        data = memoryview(pixels).cast("B")
        size = pixel_format(form).size(width, height)
        if len(data) != size:
            raise RheostatError(
                "bad-picture",
                f"{width}×{height} pixels of {form} are {size} bytes; {len(data)} were given.",
                "Give all rows, from the top, without padding.",
            )
        digest = hasher(form, width, height)
        for chunk in _chunks(data):
            check(should_cancel)
            digest.update(chunk)
        picture = compose(Upload, digest.hexdigest(), form, width, height)
        held = self._exchange.ask(picture, Stored, {"hash": picture.hash}).received
        if held < size:
            self._send(picture, data, held, on_progress, should_cancel)
        self._shapes[picture.hash] = (form, width, height)
        return picture.hash

    def _send(
        self,
        picture: Upload,
        data: memoryview,
        held: int,
        on_progress: OnProgress,
        should_cancel: ShouldCancel,
    ) -> None:
        """Send what comes after the `held` bytes, a window of messages ahead of the answers."""
        front = self._exchange.link.front
        match = {"hash": picture.hash}
        sent, flying = held, 0
        try:
            while held < len(data):
                sent = max(sent, held)  # another client may be sending the same picture
                if flying < WINDOW and sent < len(data):
                    part = data[sent : sent + PART]
                    front.send(replace(picture, offset=sent), list(_chunks(part)))
                    sent += len(part)
                    flying += 1
                    continue
                held = self._exchange.expect(Stored, match, should_cancel).received
                flying -= 1
                if held < sent and not flying:
                    raise RheostatError(
                        "incomplete-pixels",
                        _("The daemon kept {held} of the {sent} bytes it was sent.").format(
                            held=held, sent=sent
                        ),
                        _("Try again."),
                    )
                if on_progress:
                    on_progress(held, len(data), "uploading")
        finally:
            if flying:  # the next request would take the answers still to come for its own
                self._exchange.link.close()


def _chunks(data: memoryview) -> Iterator[memoryview]:
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
