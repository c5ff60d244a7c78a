"""The wire: every message, once, as plain dataclasses.

A message is a ZeroMQ multipart: `MAGIC`, a header, then raw pixel frames if the kind has any.
The header is a msgpack map with the key `kind` and the fields of the dataclass registered for it.
The daemon decodes headers strictly (unknown kinds, wrong types and non-finite λ are refused,
unknown fields of a newer peer ignored); the client decodes leniently with `from_header`.
docs/protocol.md is the reference.

Two lanes, each a DEALER connected to a ROUTER; `hello` is the first message on both:
  front    hello, list-models, upload, render, estimate
           -> welcome, models, stored, progress, tile, done, estimated
  control  hello, cancel, ping, get-status, shutdown -> welcome, cancelled, pong, status, goodbye

Each request is answered by exactly one message, in order: its own kind of answer or `error`. Only
jobs are answered by several, which all carry their `job`: a render by progress, tiles that cover
the region without overlap, and at the end `done`; an estimate by progress and `estimated`; both by
`error` if they fail. `goodbye` may come at any time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Union

import msgpack

from .errors import RheostatError
from .texts import _

Bytes = Union[bytes, bytearray, memoryview]

MAGIC = b"RHEO1"
PROTOCOL = 1  # version spoken; a peer may be one version apart
PROTOCOLS = (PROTOCOL, PROTOCOL)  # oldest and newest version understood

MAX_HEADER = 64 * 1024  # bytes, of a request
MAX_ANSWER = 1024 * 1024  # bytes, of an answer's header: the list of models may be long
MAX_FRAME = 8 * 1024 * 1024  # bytes, set as ZMQ_MAXMSGSIZE before bind
MAX_FRAMES = 8  # pixel frames in one message
CHUNK = 4 * 1024 * 1024  # bytes the client puts into one frame
MAX_SIDE = 65_535  # pixels
MAX_ID = 128  # characters of ids and keys

PURPOSES = ("preview", "apply", "batch")


def _short(**texts: str) -> None:
    for name, text in texts.items():
        if not 0 < len(text) <= MAX_ID:
            raise ValueError(f"{name} has {len(text)} characters; allowed is 1 to {MAX_ID}")


@dataclass(frozen=True)
class Hello:
    """First message on each lane. `protocol` is the [oldest, newest] version understood.

    `token` is the one of the rendezvous record; the daemon asks for it on tcp endpoints.
    `session` is empty on the front lane; on the control lane it is the one of the front lane's
    `welcome`, and says whose jobs this lane may cancel.
    """

    protocol: tuple[int, int] = PROTOCOLS
    client: str = "rheostat"
    version: str = ""
    token: str = ""
    session: str = ""


@dataclass(frozen=True)
class Welcome:
    """Answer to `hello`. `instance` changes with every start of the daemon: uploads are gone.

    `session` is a secret of this connection: the `hello` on its control lane repeats it.
    """

    protocol: int
    version: str
    instance: str
    device: str
    pid: int
    session: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListModels:
    """Ask for the models."""


@dataclass(frozen=True)
class Models:
    """Every model: `rheostat_client.models.ModelInfo` as plain data."""

    models: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Upload:
    """Announce a picture (no frames), or send the frames that start at byte `offset`.

    Answered by `stored`. The announcement tells how much the daemon already has, so a picture
    travels once. Pixels are addressed by `rheostat_client.pixels.content_hash`.
    """

    hash: str
    format: str
    width: int
    height: int
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes no picture has."""
        _short(hash=self.hash, format=self.format)
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"{name} is {side}; allowed is 1 to {MAX_SIDE}")
        if self.offset < 0:
            raise ValueError(f"offset is {self.offset}; it cannot be below 0")


@dataclass(frozen=True)
class Stored:
    """How many bytes of the picture the daemon holds, from the start."""

    hash: str
    received: int
    total: int


@dataclass(frozen=True)
class Render:
    """Run `model` with `controls` on uploaded pixels; answers carry the same `job`.

    region   [x, y, width, height] of the wanted pixels; None is all of them. Pixels around it
             are read as context, so a region equals the same part of the whole result.
    purpose  preview (newest wins among equal `key`s), apply (never dropped) or batch
    maps     painted λ: control id -> hash of an uploaded grey picture of the same size. Black is
             the control's `off` (its low end, if it has none), white its value in `controls`
    focus    [x, y, width, height] that somebody looks at: its tiles come first
    """

    job: str
    model: str
    hash: str
    controls: Mapping[str, float] = field(default_factory=dict)
    region: tuple[int, int, int, int] | None = None
    purpose: str = "apply"
    key: str = "default"
    maps: Mapping[str, str] = field(default_factory=dict)
    focus: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse what can be refused without knowing the model."""
        _short(job=self.job, model=self.model, hash=self.hash, key=self.key)
        for name in self.maps.values():
            _short(hash=name)
        if self.purpose not in PURPOSES:
            raise ValueError(f"purpose is {self.purpose!r}; allowed is {', '.join(PURPOSES)}")
        for name, value in self.controls.items():
            if not math.isfinite(value):
                raise ValueError(f"control {name!r} is {value}; a finite number is needed")


@dataclass(frozen=True)
class Progress:
    """`done` of `total` pixels are finished; `state` is queued, loading or rendering.

    `left` is how many milliseconds of work are still expected, 0 if nobody knows.
    """

    job: str
    done: int
    total: int
    state: str = "rendering"
    left: int = 0


@dataclass(frozen=True)
class Tile:
    """A finished rectangle, in the result's coordinates; its pixels follow as frames.

    The result has `scale` × `scale` pixels for each of the picture's.
    """

    job: str
    x: int
    y: int
    width: int
    height: int
    format: str
    scale: int = 1


@dataclass(frozen=True)
class Done:
    """All tiles were sent. `settings` is the canonical JSON record to keep with the result."""

    job: str
    settings: str
    milliseconds: float
    device: str


@dataclass(frozen=True)
class Estimate:
    """Ask what `control` of `model`, which has `auto`, should be for uploaded pixels.

    A job as a render is, answered by `estimated`. Known to daemons with the capability `estimates`.

    region   [x, y, width, height] of the pixels to look at; None is all of them
    """

    job: str
    model: str
    hash: str
    control: str
    region: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse what can be refused without knowing the model."""
        _short(job=self.job, model=self.model, hash=self.hash, control=self.control)


@dataclass(frozen=True)
class Estimated:
    """What `control` should be: inside its hard range, a whole number of its steps."""

    job: str
    control: str
    value: float


@dataclass(frozen=True)
class Cancel:
    """Control lane: stop a job of this session. The job itself answers `error` `cancelled`."""

    job: str


@dataclass(frozen=True)
class Cancelled:
    """Whether a job was found to cancel."""

    job: str
    found: bool


@dataclass(frozen=True)
class Ping:
    """Control lane: answered by the loop that schedules, so it proves more than a heartbeat."""

    nonce: str = ""


@dataclass(frozen=True)
class Pong:
    """Answer to `ping`. `idle_seconds` is how long the worker has done nothing or been stuck."""

    nonce: str
    instance: str
    queued: int
    running: int
    idle_seconds: float


@dataclass(frozen=True)
class GetStatus:
    """Control lane: ask for `status`, with the `metrics` too if they are wanted."""

    metrics: bool = False


@dataclass(frozen=True)
class Status:
    """What the daemon holds and does; the fields of `report` are listed in docs/protocol.md.

    metrics  Prometheus text: renders that ended, by model, purpose and outcome, and their time
    """

    report: Mapping[str, Any] = field(default_factory=dict)
    metrics: str = ""


@dataclass(frozen=True)
class Shutdown:
    """Control lane: finish nothing more and exit cleanly."""


@dataclass(frozen=True)
class Goodbye:
    """The daemon is going; sent to every session it knows."""

    reason: str = ""


@dataclass(frozen=True)
class Error:
    """Anything refused or failed. `job` names the render it belongs to, if any."""

    code: str
    message: str
    remedy: str = ""
    job: str = ""

    def exception(self) -> RheostatError:
        """The error to raise for it."""
        return RheostatError(self.code, self.message, self.remedy)


KINDS: dict[str, type[Any]] = {
    "hello": Hello,
    "welcome": Welcome,
    "list-models": ListModels,
    "models": Models,
    "upload": Upload,
    "stored": Stored,
    "render": Render,
    "progress": Progress,
    "tile": Tile,
    "done": Done,
    "estimate": Estimate,
    "estimated": Estimated,
    "cancel": Cancel,
    "cancelled": Cancelled,
    "ping": Ping,
    "pong": Pong,
    "get-status": GetStatus,
    "status": Status,
    "shutdown": Shutdown,
    "goodbye": Goodbye,
    "error": Error,
}
NAMES = {cls: kind for kind, cls in KINDS.items()}


def to_header(message: Any) -> dict[str, Any]:
    """The msgpack map of a message."""
    return {"kind": NAMES[type(message)], **asdict(message)}


def from_header(header: Mapping[str, Any]) -> Any:
    """The message in a decoded header; unknown fields are dropped, ValueError if it is none."""
    cls = KINDS.get(str(header.get("kind")))
    if cls is None:
        raise ValueError(f"unknown message kind {header.get('kind')!r}")
    known = {f.name for f in fields(cls)}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in header.items() if k in known}
    try:
        return cls(**given)
    except TypeError as error:
        raise ValueError(f"{header.get('kind')}: {error}") from error


def to_frames(message: Any, pixels: Sequence[Bytes] = ()) -> list[Bytes]:
    """The multipart of a message: magic, header, pixel frames. Pixels are not copied."""
    return [MAGIC, msgpack.packb(to_header(message)), *pixels]


def from_frames(frames: Sequence[Bytes]) -> tuple[Any, list[Bytes]]:
    """The message in an answer's multipart and its pixel frames; ValueError if it is none."""
    if len(frames) < 2 or bytes(frames[0][: len(MAGIC) + 1]) != MAGIC:
        raise ValueError(f"a message does not start with {MAGIC.decode()} and a header")
    size = len(frames[1])
    if size > MAX_ANSWER:
        raise ValueError(f"a header has {size} bytes; the limit is {MAX_ANSWER}")
    try:
        header = msgpack.unpackb(frames[1], ext_hook=_no_extension)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"a header is not msgpack: {error}") from error
    if not isinstance(header, dict):
        raise ValueError("a header is not a map")
    return from_header(header), list(frames[2:])


def _no_extension(code: int, _data: bytes) -> None:
    raise ValueError(f"extension type {code} is not used here")


def agree(client: Sequence[int], daemon: Sequence[int]) -> int:
    """The newest protocol version in both [oldest, newest] ranges.

    Raises RheostatError `wrong-protocol`: both ranges, and which side to update.
    """
    newest = min(client[1], daemon[1])
    if newest >= max(client[0], daemon[0]):
        return newest
    raise RheostatError(
        "wrong-protocol",
        _("This program speaks protocol {0} to {1}, the running daemon {2} to {3}.").format(
            *client, *daemon
        ),
        _("Update this program or plug-in (`rheostat install`).")
        if client[1] < daemon[0]
        else _("Update Rheostat, then stop the old daemon (`rheostat stop`)."),
    )
