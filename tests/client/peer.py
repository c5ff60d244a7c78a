"""A daemon without torch: honest unless its script says otherwise. Also runs as a program.

Its models `tiny` and `slow` have one control, `amount`: off at 0, else 8-bit pixels are inverted.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import zmq
from rheostat_client.controls import Control, complete
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.messages import (
    PROTOCOLS,
    Bytes,
    Cancel,
    Cancelled,
    Done,
    Error,
    GetStatus,
    Goodbye,
    Hello,
    ListModels,
    Models,
    Ping,
    Pong,
    Progress,
    Render,
    Shutdown,
    Status,
    Stored,
    Tile,
    Upload,
    Welcome,
    agree,
    from_frames,
    to_frames,
)
from rheostat_client.models import ModelInfo
from rheostat_client.pixels import pixel_format
from rheostat_client.rendezvous import (
    Record,
    claim,
    endpoints,
    remove,
    runtime_folder,
    write,
)
from rheostat_client.settings import Settings

Box = tuple[int, int, int, int]
Handler = Callable[["Peer", Any, list[Bytes]], Iterable[Any]]

AMOUNT = Control("amount", "Amount", "More inverts more.", "artistic", (0, 1), (0, 1), (0, 1), 1, 0)
MODELS = {
    id: ModelInfo(id, id.title(), "Light becomes dark.", "1", "0" * 64, (AMOUNT,))
    for id in ("tiny", "slow")
}


PAUSE = object()  # what a render yields to let other messages be answered


class Peer:
    """Two ROUTERs and a thread. `script` replaces the handlers of some messages."""

    def __init__(self, folder: Path, tcp: bool = False, **record: Any) -> None:
        self.folder = folder
        self.instance = uuid.uuid4().hex
        self.script: dict[type, Handler] = {}
        self.received: list[Any] = []
        self.pictures: dict[str, tuple[Upload, bytearray]] = {}
        self.cancelled: set[str] = set()
        self.is_stopping = False
        self._session = uuid.uuid4().hex
        self._token = "secret" if tcp else ""
        self._lock = claim(folder)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._lanes = [self._context.socket(zmq.ROUTER) for _ in range(2)]
        wanted = ("tcp://127.0.0.1:*",) * 2 if tcp else endpoints(folder)
        for lane, endpoint in zip(self._lanes, wanted, strict=True):
            lane.setsockopt(zmq.LINGER, 500)
            lane.setsockopt(zmq.ROUTER_MANDATORY, 1)
            lane.setsockopt(zmq.HEARTBEAT_IVL, 200)
            lane.setsockopt(zmq.HEARTBEAT_TIMEOUT, 60_000)
            lane.bind(endpoint)
        front, control = (lane.getsockopt_string(zmq.LAST_ENDPOINT) for lane in self._lanes)
        known = Record(front, control, os.getpid(), self.instance, "0", PROTOCOLS, self._token)
        write(folder, Record(**{**vars(known), **record}))
        self._thread = threading.Thread(target=self.run)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_stopping = True
        self._thread.join()

    def count(self, kind: type) -> int:
        """How many messages of this kind came."""
        return sum(isinstance(message, kind) for message in self.received)

    def run(self) -> None:
        """Answer until told to stop."""
        jobs: list[tuple[bytes, Iterator[Any]]] = []
        while not self.is_stopping:
            waiting = 0 if jobs else 20
            for lane in zmq.select(self._lanes, [], [], waiting / 1000)[0]:
                sender, *frames = lane.recv_multipart()
                message, pixels = from_frames(frames)
                self.received.append(message)
                handler = self.script.get(type(message), HONEST.get(type(message)))
                assert handler is not None, message
                replies = iter(handler(self, message, pixels))
                if isinstance(message, Render):
                    jobs.append((sender, replies))
                else:
                    self._reply(lane, sender, replies)
            jobs = [job for job in jobs if self._step(*job)]
        for lane in self._lanes:
            lane.close()
        self._context.term()
        remove(self.folder)
        self._lock.release()

    def _step(self, sender: bytes, replies: Iterator[Any]) -> bool:
        reply = next(replies, None)
        if reply is None:
            return False
        self._reply(self._lanes[0], sender, [reply] if reply is not PAUSE else [])
        return True

    def _reply(self, lane: zmq.Socket[bytes], sender: bytes, replies: Iterable[Any]) -> None:
        for reply in replies:
            message, pixels = reply if isinstance(reply, tuple) else (reply, [])
            frames = message if isinstance(message, list) else to_frames(message, pixels)
            try:
                lane.send_multipart([sender, *frames])
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:  # the client may have gone before its answer
                    raise

    # --- the honest handlers: each gives messages, or (message, pixel frames) -------------------

    def hello(self, hello: Hello, _: list[Bytes]) -> Iterator[Any]:
        try:
            protocol = agree(hello.protocol, PROTOCOLS)
            if hello.token != self._token:
                raise RheostatError("wrong-token", "The token is another daemon's.")
            yield Welcome(protocol, "0", self.instance, "cpu", os.getpid(), self._session)
        except RheostatError as error:
            yield refusal(error)

    def models(self, _request: ListModels, _: list[Bytes]) -> Iterator[Any]:
        yield Models(tuple(model.to_dict() for model in MODELS.values()))

    def upload(self, upload: Upload, frames: list[Bytes]) -> Iterator[Any]:
        size = pixel_format(upload.format).size(upload.width, upload.height)
        _, data = self.pictures.setdefault(upload.hash, (upload, bytearray()))
        if frames and upload.offset == len(data):
            data += b"".join(frames)
        yield Stored(upload.hash, len(data), size)

    def render(self, render: Render, _: list[Bytes]) -> Iterator[Any]:
        """The region in tiles of at most 50×50, invited to be cancelled before each."""
        try:
            if render.model not in MODELS:
                remedy = nearest(render.model, MODELS)
                raise RheostatError("unknown-model", f"There is no {render.model!r}.", remedy)
            values = complete(MODELS[render.model].controls, render.controls)
            if render.hash not in self.pictures:
                raise RheostatError("unknown-pixels", "No such picture is here.", "Upload it.")
        except RheostatError as error:
            yield refusal(error, render.job)
            return
        upload, data = self.pictures[render.hash]
        region = render.region or (0, 0, upload.width, upload.height)
        total, done = region[2] * region[3], 0
        yield Progress(render.job, 0, total, "queued")
        for x, y, width, height in tiles(region, 50):
            if render.job in self.cancelled:
                yield Error("cancelled", "The render was cancelled.", job=render.job)
                return
            time.sleep(0.01 if render.model == "slow" else 0)
            pixels = crop(data, upload.format, upload.width, (x, y, width, height))
            if values["amount"] > 0:
                pixels = bytes(255 - value for value in pixels)
            half = len(pixels) // 2  # frames need not end where rows do
            tile = Tile(render.job, x, y, width, height, upload.format)
            yield tile, [pixels[:half], pixels[half:]]
            done += width * height
            yield Progress(render.job, done, total)
        settings = Settings(render.model, "1", "0" * 64, values, region=render.region)
        yield Done(render.job, settings.to_json(), 1.0, "cpu")

    def cancel(self, cancel: Cancel, _: list[Bytes]) -> Iterator[Any]:
        found = any(isinstance(m, Render) and m.job == cancel.job for m in self.received)
        self.cancelled.add(cancel.job)
        yield Cancelled(cancel.job, found)

    def ping(self, ping: Ping, _: list[Bytes]) -> Iterator[Any]:
        yield Pong(ping.nonce, self.instance, 0, 0, 0.0)

    def status(self, _request: GetStatus, _: list[Bytes]) -> Iterator[Any]:
        yield Status({"pictures": len(self.pictures)})

    def shutdown(self, _request: Shutdown, _: list[Bytes]) -> Iterator[Any]:
        self.is_stopping = True
        yield Goodbye("it was told to")


HONEST: dict[type, Handler] = {
    Hello: Peer.hello,
    ListModels: Peer.models,
    Upload: Peer.upload,
    Render: Peer.render,
    Cancel: Peer.cancel,
    Ping: Peer.ping,
    GetStatus: Peer.status,
    Shutdown: Peer.shutdown,
}


def refusal(error: RheostatError, job: str = "") -> Error:
    return Error(error.code, error.message, error.remedy, job)


def tiles(region: Box, side: int) -> Iterator[Box]:
    """A region cut into squares."""
    left, top, width, height = region
    for y in range(top, top + height, side):
        for x in range(left, left + width, side):
            yield x, y, min(side, left + width - x), min(side, top + height - y)


def crop(data: bytes | bytearray, form: str, stride: int, box: Box) -> bytes:
    """The pixels of a box out of rows of `stride` pixels."""
    pixel = pixel_format(form).size(1, 1)
    x, y, width, height = box
    starts = ((row * stride + x) * pixel for row in range(y, y + height))
    return b"".join(data[start : start + width * pixel] for start in starts)


def endless(peer: Peer, render: Render, _: list[Bytes]) -> Iterator[Any]:
    """A render that makes no progress until it is cancelled."""
    while render.job not in peer.cancelled:
        yield PAUSE
        time.sleep(0.005)
    yield Error("cancelled", "The render was cancelled.", job=render.job)


if __name__ == "__main__":
    peer = Peer(runtime_folder())
    with (peer.folder / "starts").open("a") as starts:
        starts.write(json.dumps(os.getpid()) + "\n")
    peer.run()
