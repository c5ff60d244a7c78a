"""Connection: find or start the daemon, send it pixels once, get filtered pixels back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from .canvas import Canvas
from .channel import Answer
from .errors import RheostatError, unreadable
from .exchange import ANSWER, POLL, Exchange, Job, ShouldCancel, compose
from .messages import (
    Bytes,
    Cancel,
    Cancelled,
    Done,
    Estimate,
    Estimated,
    GetStatus,
    ListModels,
    Models,
    Ping,
    Pong,
    Progress,
    Render,
    Shutdown,
    Status,
    Tile,
    Welcome,
)
from .models import ModelInfo
from .rendezvous import is_claimed, read, runtime_folder
from .texts import _
from .uploads import OnProgress, Uploads

PATIENCE = 120.0  # seconds for a start: a cold, busy machine reads torch from disk
MAX_SCALE = 16  # sides of a result for one of the picture's

Region = tuple[int, int, int, int]
Grey = tuple[Bytes, str, int, int]  # pixels, form, width, height


@dataclass(frozen=True)
class Rendered:
    """A result: the pixels of a region, and the record to keep with them.

    The region is in the result's pixels; a model with `scale` makes them more than the picture's.
    """

    x: int
    y: int
    width: int
    height: int
    format: str
    pixels: bytes
    settings: str
    milliseconds: float
    device: str

    @classmethod
    def of(cls, canvas: Canvas | None, settings: str, milliseconds: float, device: str) -> Rendered:
        """What the tiles on `canvas` make; RheostatError `bad-message` if any is missing."""
        if canvas is None or not canvas.is_complete:
            raise unreadable("tiles of the result are missing")
        box, pixels = canvas.region, canvas.pixels()
        return cls(*box, canvas.format, pixels, settings, milliseconds, device)


class Connection:
    """This user's daemon, as one program sees it; for one thread.

    `on_progress(done, total, state)` is told bytes while the state is uploading, and pixels while
    it is queued, loading or rendering. `should_cancel()` is asked at least every 0.1 s; True makes
    the call raise RheostatError `cancelled`.
    A daemon that dies during a call raises `daemon-lost`; the next call finds or starts a new one.
    Errors of the daemon are raised with its own codes.
    """

    def __init__(self, exchange: Exchange) -> None:
        """Use `open` instead."""
        self._exchange = exchange
        self._uploads = Uploads(exchange)

    @classmethod
    def open(
        cls, start: Sequence[str] | None = None, name: str = "rheostat", timeout: float = PATIENCE
    ) -> Connection:
        """Connect to the running daemon, or run the command `start` and wait `timeout` s for it.

        Raises RheostatError `no-daemon`, `daemon-start-failed` (with the log's last lines),
        `daemon-lost` (it runs but is frozen), `wrong-protocol` or `wrong-token`.
        """
        return cls(Exchange(start, name, timeout))

    @property
    def welcome(self) -> Welcome:
        """What the daemon said of itself; its `instance` changes when it was restarted."""
        return self._exchange.link.welcome

    def models(self) -> list[ModelInfo]:
        """The models this daemon serves."""
        answer = self._exchange.ask(ListModels(), Models)
        return [ModelInfo.from_dict(model) for model in answer.models]

    def upload(
        self,
        pixels: Bytes,
        form: str,
        width: int,
        height: int,
        *,
        on_progress: OnProgress = None,
        should_cancel: ShouldCancel = None,
    ) -> str:
        """Bring a picture to the daemon and return its content hash.

        Sends nothing that the daemon has already. `pixels` are in the pixel format `form`, row by
        row, and are neither copied nor to be changed meanwhile. Raises RheostatError `bad-format`,
        `bad-value`, `bad-picture`, `too-large`, `incomplete-pixels`, `cancelled`, `daemon-lost`.
        """
        return self._uploads.bring(pixels, form, width, height, on_progress, should_cancel)

    def render(
        self,
        hash: str,
        model: str,
        controls: Mapping[str, float],
        *,
        region: Region | None = None,
        purpose: str = "apply",
        key: str = "default",
        maps: Mapping[str, str] | None = None,
        on_progress: OnProgress = None,
        should_cancel: ShouldCancel = None,
    ) -> Rendered:
        """Filter a picture uploaded by this connection, or its `region` (x, y, width, height).

        `maps` has hashes of uploaded grey pictures by control id: painted λ (messages.Render).
        Raises RheostatError `unknown-pixels`, `unknown-model`, `unknown-control`, `bad-value`,
        `too-large`, `busy`, `overtaken`, `cancelled`, `daemon-lost` or `internal`.
        """
        form, width, height = self._uploads.shape(hash)
        if maps:
            self._need("maps", _("painted controls"))
        part, canvas = _inside(region, width, height), None
        job = uuid.uuid4().hex
        request = compose(
            Render, job, model, hash, dict(controls), region, purpose, key, maps or {}
        )
        with closing(self._exchange.follow(request, should_cancel)) as answers:
            for message, pixels in answers:
                if isinstance(message, Tile):
                    canvas = canvas or Canvas(_enlarged(part, message.scale), form)
                    canvas.paste(message, pixels)
                elif isinstance(message, Done):
                    return Rendered.of(
                        canvas, message.settings, message.milliseconds, message.device
                    )
                elif isinstance(message, Progress) and on_progress:
                    on_progress(message.done, message.total, message.state)
        raise AssertionError("a render ends with done or an error")

    def estimate(
        self,
        hash: str,
        model: str,
        control: str,
        *,
        region: Region | None = None,
        should_cancel: ShouldCancel = None,
    ) -> float:
        """What `control`, which has `auto`, should be for a picture uploaded by this connection.

        Takes some tenths of a second, however large the picture is. Raises RheostatError
        `no-estimate` if the pixels do not tell, or as `render` does.
        """
        self._need("estimates", _("estimates"))
        _inside(region, *self._uploads.shape(hash)[1:])
        request = compose(Estimate, uuid.uuid4().hex, model, hash, control, region)
        with closing(self._exchange.follow(request, should_cancel)) as answers:
            for message, _frames in answers:
                if isinstance(message, Estimated):
                    return message.value
        raise AssertionError("an estimate ends with a value or an error")

    def filter(
        self,
        pixels: Bytes,
        form: str,
        width: int,
        height: int,
        model: str,
        controls: Mapping[str, float],
        *,
        region: Region | None = None,
        purpose: str = "apply",
        key: str = "default",
        maps: Mapping[str, Grey] | None = None,
        on_progress: OnProgress = None,
        should_cancel: ShouldCancel = None,
    ) -> Rendered:
        """Upload and render; once more if the daemon let go of the pixels or of this program.

        `maps` has painted λ by control id: (pixels, form, width, height) of a grey picture.
        """

        def once() -> Rendered:
            hash = self.upload(
                pixels, form, width, height, on_progress=on_progress, should_cancel=should_cancel
            )
            hashes = {
                name: self.upload(*grey, should_cancel=should_cancel)
                for name, grey in (maps or {}).items()
            }
            return self.render(
                hash,
                model,
                controls,
                region=region,
                purpose=purpose,
                key=key,
                maps=hashes,
                on_progress=on_progress,
                should_cancel=should_cancel,
            )

        try:
            return once()
        except RheostatError as error:
            if error.code not in ("unknown-pixels", "incomplete-pixels", "no-session"):
                raise
            return once()

    def submit(self, request: Job) -> str:
        """Send a job without waiting, and return its name; `receive` gives its answers.

        Raises RheostatError `daemon-lost` if the daemon has gone; an upload starts it anew.
        """
        return self._exchange.submit(request)

    def abandon(self, job: str) -> None:
        """Have a submitted job stopped, without waiting to hear whether it was found."""
        self._exchange.abandon(job)

    def receive(self, timeout: float) -> Answer | None:
        """The next answer to a submitted job, or None after `timeout` seconds.

        The last one is `Done`, `Estimated` or `Error`. Raises RheostatError `daemon-lost`.
        """
        return self._exchange.receive(timeout)

    def fileno(self) -> int:
        """A descriptor that turns readable when answers come.

        Then, and after each `submit`, call `receive(0)` until it gives None; call it every second
        or so too, because a lost daemon need not make the descriptor readable.
        """
        return self._exchange.link.front.fileno()

    def cancel(self, job: str) -> bool:
        """Stop a job; whether it was found. The job itself then answers with error `cancelled`."""
        return self._exchange.command(Cancel(job), Cancelled, {"job": job}).found

    def status(self) -> dict[str, Any]:
        """What the daemon holds and does (docs/protocol.md)."""
        return dict(self._exchange.command(GetStatus(), Status).report)

    def metrics(self) -> str:
        """Prometheus text; empty from a daemon that is older than this program."""
        return self._exchange.command(GetStatus(metrics=True), Status).metrics

    def ping(self) -> Pong:
        """A sign of life from the loop that schedules."""
        nonce = uuid.uuid4().hex
        return self._exchange.command(Ping(nonce), Pong, {"nonce": nonce})

    def shutdown(self) -> None:
        """Stop the daemon, wait until it has gone, and close; RheostatError `busy` if it stays."""
        folder = runtime_folder()
        self._exchange.revive().control.send(Shutdown())
        deadline = time.monotonic() + ANSWER
        while is_claimed(folder):
            record = read(folder)
            if record and record.instance != self.welcome.instance:
                break  # another one has been started already
            if time.monotonic() > deadline:
                raise RheostatError(
                    "busy",
                    f"The daemon (process {self.welcome.pid}) has not stopped for {ANSWER:g} s.",
                    f"End process {self.welcome.pid}.",
                )
            time.sleep(POLL / 2)
        self.close()

    def close(self) -> None:
        """Leave the daemon, which drops what this connection still had it do."""
        self._exchange.close()

    def __enter__(self) -> Connection:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _need(self, capability: str, what: str) -> None:
        if capability not in self.welcome.capabilities:
            raise RheostatError(
                "wrong-protocol",
                _("The running daemon ({version}) knows no {what}.").format(
                    version=self.welcome.version, what=what
                ),
                _("Update Rheostat, then stop the old daemon (`rheostat stop`)."),
            )


def _inside(region: Region | None, width: int, height: int) -> Region:
    if region is None:
        return 0, 0, width, height
    x, y, w, h = region
    if x >= 0 and y >= 0 and w >= 1 and h >= 1 and x + w <= width and y + h <= height:
        return region
    raise RheostatError(
        "bad-value",
        f"The region {w}×{h} at {x},{y} is not inside the picture of {width}×{height}.",
        "Give x, y, width and height inside it.",
    )


def _enlarged(region: Region, scale: int) -> Region:
    if not 1 <= scale <= MAX_SCALE:
        raise unreadable(f"a result's scale is {scale}, the limit {MAX_SCALE}")
    x, y, width, height = (scale * number for number in region)
    return x, y, width, height
