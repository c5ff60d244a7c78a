"""A program that visits the daemon over real sockets, politely or not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import zmq
from rheostat_client.messages import (
    CHUNK,
    Bytes,
    Done,
    Error,
    GetStatus,
    Hello,
    ListModels,
    Ping,
    Pong,
    Render,
    Stored,
    Tile,
    Upload,
    Welcome,
    from_frames,
    to_frames,
)
from rheostat_client.pixels import content_hash, pixel_format
from rheostat_client.rendezvous import Record
from rheostatd.raster import Box, Picture, Values

PATIENCE = 60_000  # milliseconds until a missing answer fails the test

Answered = tuple[Any, list[Bytes]]


class Visitor:
    """Two DEALERs that said hello, unless told not to."""

    def __init__(self, record: Record, hello: bool = True, **options: int | bytes) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.front = self._context.socket(zmq.DEALER)
        self.control = self._context.socket(zmq.DEALER)
        for socket, endpoint in ((self.front, record.front), (self.control, record.control)):
            socket.setsockopt(zmq.LINGER, 0)
            for name, value in options.items():
                socket.setsockopt(getattr(zmq, name), value)
            socket.connect(endpoint)
        self._names = (f"job-{number}" for number in itertools.count(1))
        if hello:
            welcome = self.ask(Hello(client="visitor"))
            assert isinstance(welcome, Welcome), welcome
            self.session = welcome.session
            assert isinstance(self.command(Hello(session=self.session)), Welcome)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Drop both connections without a word."""
        self.front.close()
        self.control.close()
        self._context.term()

    def ask(self, message: Any, pixels: Sequence[Bytes] = ()) -> Any:
        """The next answer on the front lane."""
        self.front.send_multipart(to_frames(message, pixels))
        return self.hear()[0]

    def say(self, *frames: bytes) -> Any:
        """Send frames of any kind on the front lane; the next answer."""
        self.front.send_multipart(frames)
        return self.hear()[0]

    def hear(self) -> Answered:
        """The next message on the front lane."""
        assert self.front.poll(PATIENCE), "no answer"
        return from_frames(self.front.recv_multipart())

    def command(self, message: Any) -> Any:
        """The answer on the control lane."""
        self.control.send_multipart(to_frames(message))
        assert self.control.poll(PATIENCE), "no answer"
        return from_frames(self.control.recv_multipart())[0]

    def status(self) -> dict[str, Any]:
        return dict(self.command(GetStatus()).report)

    def models(self) -> Any:
        """What the daemon lists once the files of new models are checked."""
        self.ask(ListModels())  # by which it looks for them
        while any(model["state"] == "checking" for model in self.status()["models"]):
            time.sleep(0.01)
        return self.ask(ListModels()).models

    def upload(self, picture: Picture) -> str:
        """All of it, in one message; its hash."""
        form, data = picture.format.name, bytes(picture.data)
        name = content_hash(data, form, picture.width, picture.height)
        upload = Upload(name, form, picture.width, picture.height)
        frames = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
        assert self.ask(upload, frames) == Stored(name, len(data), len(data))
        return name

    def submit(self, name: str, model: str = "tiny", **fields: Any) -> str:
        """Ask for a render of the picture `name`; the job."""
        job = next(self._names)
        self.front.send_multipart(to_frames(Render(job, model, name, **fields)))
        return job

    def answers(self, job: str) -> list[Answered]:
        """What comes for `job` up to its end; what is for others is passed over."""
        heard: list[Answered] = []
        while not (heard and isinstance(heard[-1][0], Done | Error)):
            answer = self.hear()
            if answer[0].job == job:
                heard.append(answer)
        return heard

    def end(self, job: str) -> Any:
        """`Done`, or the error."""
        return self.answers(job)[-1][0]

    def render(self, picture: Picture, **fields: Any) -> tuple[Values, Done]:
        """Upload, render, and put the tiles together."""
        *answers, (end, _) = self.answers(self.submit(self.upload(picture), **fields))
        assert isinstance(end, Done), end
        region = Box(*(fields.get("region") or picture.box))
        out = np.zeros((region.height, region.width, picture.format.channels), picture.dtype)
        for message, frames in answers:
            if isinstance(message, Tile):
                box = Box(message.x, message.y, message.width, message.height)
                values = np.frombuffer(b"".join(frames), picture.dtype)
                out[box.within(region)] = values.reshape(box.height, box.width, -1)
        return out, end

    def wait_until(self, **wanted: int) -> None:
        """Ask for the status until its counts (jobs, sessions) are these."""
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            report = self.status()
            counts = {**report["jobs"], "sessions": len(report["sessions"])}
            if {name: counts[name] for name in wanted} == wanted:
                return
            assert time.monotonic() < deadline, counts
            time.sleep(0.01)

    def finds_all_well(self) -> None:
        """The daemon answers pings, and renders."""
        assert isinstance(self.command(Ping("well?")), Pong)
        _, done = self.render(photo(20, 10, seed=42))
        assert done.settings


def photo(width: int, height: int, form: str = "rgb8", seed: int = 0) -> Picture:
    """Noise."""
    kind = pixel_format(form)
    random = np.random.default_rng(seed)
    if form.endswith("32f"):
        data = random.random((height, width, kind.channels), np.float32).tobytes()
    else:
        data = random.bytes(kind.size(width, height))
    return Picture(kind, width, height, data)
