"""Server: the front door. One thread reads both lanes; a worker renders."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq
from rheostat import __version__
from rheostat_client import rendezvous
from rheostat_client.errors import RheostatError
from rheostat_client.messages import (
    MAX_FRAME,
    MAX_FRAMES,
    MAX_HEADER,
    MAX_SIDE,
    PROTOCOLS,
    Bytes,
    Cancel,
    Error,
    Estimate,
    GetStatus,
    Goodbye,
    Hello,
    ListModels,
    Ping,
    Pong,
    Render,
    Shutdown,
    Status,
    Upload,
    Welcome,
    agree,
)

from .costs import LONGEST
from .jobs import Answer
from .logs import log_to
from .pace import Paces
from .precision import Precision
from .renderer import DEFAULT_CACHE, Renderer, devices
from .service import Service
from .session import Session, Sessions
from .wire import Lane, Received, read_envelope

PICTURE_MEMORY = 2 * 1024**3  # bytes
MODEL_MEMORY = 1024**3  # bytes
FRONT_DEPTH = 8  # messages; each may be tens of MB
CONTROL_DEPTH = 64  # messages
MAX_OUTBOX = 64  # answers a session may leave unread, beyond those ZeroMQ holds
CAPABILITIES = ("maps", "estimates")  # what an older daemon of the same protocol does not know
LOOK = 60.0  # seconds between two looks whether the record is still there
RETRY = 10  # milliseconds until a full connection is tried again

log = logging.getLogger(__name__)


class Server:
    """The daemon, from bound sockets to the last goodbye."""

    def __init__(
        self,
        folder: Path,
        picture_memory: int = PICTURE_MEMORY,
        model_memory: int = MODEL_MEMORY,
        renderers: Sequence[Renderer] = (),
        longest: float = LONGEST,
    ) -> None:
        """Bind in the runtime folder, whose lock the caller holds.

        Memory is in bytes, `longest` (the time one render may take) in seconds; `renderers` are one
        for each device, by default one on the best.
        """
        self._folder = folder
        self._started = self._looked = time.monotonic()
        self._stopping = False
        self._log_file = str(rendezvous.log_file())
        self._sessions = Sessions()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._front = Lane(
            self._context, (Hello, ListModels, Upload, Render, Estimate), MAX_FRAME, FRONT_DEPTH
        )
        self._control = Lane(
            self._context, (Hello, Cancel, Ping, GetStatus, Shutdown), MAX_HEADER, CONTROL_DEPTH
        )
        self._poller = zmq.Poller()
        for source in (
            self._front.watch(),
            self._front.socket,
            self._control.socket,
            self._bell,
        ):
            self._poller.register(source, zmq.POLLIN)
        front, control = rendezvous.endpoints(folder)
        self.record = rendezvous.Record(
            front=self._front.bind(front),
            control=self._control.bind(control),
            pid=os.getpid(),
            instance=secrets.token_hex(8),
            version=__version__,
            protocol=PROTOCOLS,
            token="" if front.startswith("ipc:") else secrets.token_hex(16),
        )
        self._service = Service(
            renderers or [Renderer()],
            picture_memory,
            model_memory,
            longest,
            self._log_file,
            self._tell,
            self._ring,
        )
        self._handlers: Mapping[type, Callable[[str, Any, Sequence[memoryview]], Any]] = {
            ListModels: self._service.models,
            Upload: self._service.upload,
            Render: self._service.render,
            Estimate: self._service.estimate,
            Cancel: self._service.cancel,
            Ping: self._ping,
            GetStatus: self._status,
            Shutdown: self._shutdown,
        }

    def run(self) -> None:
        """Serve until `stop`."""
        log.info("serving", extra={"device": self._service.device, "pid": self.record.pid})
        while not self._stopping:
            waits = any(session.outbox for session in self._sessions)
            self._poller.poll(RETRY if waits else round(LOOK * 1000))
            self._look_for_record()
            self._hear_bell()
            self._drop_lost()
            while self._take(self._control):
                pass
            self._take(self._front)  # one only: the control lane does not wait behind an upload
            self._service.pass_on()
            self._service.tidy()
            for session in self._sessions:
                self._flush(session)

    def stop(self) -> None:
        """Make `run` return; for any thread and for signal handlers."""
        self._stopping = True
        self._ring()

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT call `stop`; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        # A signal just before the poll begins would not interrupt it, and its handler would wait.
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        """Take the record back, say goodbye to every session, abandon the jobs, close the sockets.

        What another daemon has put in the folder since stays.
        """
        is_known = self._is_known()
        if is_known:
            rendezvous.remove(self._folder)
        for session in self._sessions:
            with contextlib.suppress(ConnectionError):
                self._front.send(session.front, Goodbye("The daemon was stopped."))
        self._service.close()
        self._front.close()
        self._control.close()
        self._context.term()
        for endpoint in (self.record.front, self.record.control):
            if is_known and endpoint.startswith("ipc://"):  # libzmq leaves them
                Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
        self._bell.close()
        self._ringer.close()

    def _is_known(self) -> bool:
        """Whether the record in the runtime folder leads here."""
        record = rendezvous.read(self._folder)
        return record is not None and record.instance == self.record.instance

    def _look_for_record(self) -> None:
        """Stop where no client will ever come: the folder was removed, with the lock in it."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        if not self._is_known() and not any(self._sessions):
            log.warning("nobody can find this daemon any more")
            self._stopping = True

    def _ring(self) -> None:
        # A full buffer means that the bell rings already; once closed, nobody is there to hear it.
        with contextlib.suppress(OSError):
            self._ringer.send(b"!")

    def _hear_bell(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)

    def _take(self, lane: Lane) -> bool:
        """Read and answer one message; False if there is none."""
        received = lane.receive()
        if received is None:
            return False
        job = ""
        try:
            envelope = read_envelope(received)
            job = envelope.job
            answer = self._answer(lane, received, lane.read(envelope, received.frames[1]))
        except RheostatError as error:
            log.warning("refused", extra={"job": job, "code": error.code, "reason": str(error)})
            answer = Error(error.code, error.message, error.remedy, job)
        except Exception as error:
            log.exception("a message could not be handled", extra={"job": job})
            answer = Error(
                "internal",
                f"The daemon failed to handle a message ({type(error).__name__}).",
                f"The reason is in {self._log_file}.",
                job,
            )
        session = self._sessions.of_front(received.peer) if lane is self._front else None
        if session is not None:
            self._send(session, answer)  # behind what waits for this peer already
        else:
            with contextlib.suppress(ConnectionError):
                lane.send(received.peer, answer)
        return True

    def _answer(self, lane: Lane, received: Received, message: Any) -> Any:
        if isinstance(message, Hello):
            return self._hello(lane, received, message)
        known = self._sessions.of_front if lane is self._front else self._sessions.of_control
        session = known(received.peer)
        if session is None:
            raise RheostatError(
                "no-session",
                "This connection has no session, or has it no more.",
                "Connect again, and say hello first.",
            )
        return self._handlers[type(message)](session.token, message, received.frames[2:])

    def _hello(self, lane: Lane, received: Received, hello: Hello) -> Welcome:
        protocol = agree(hello.protocol, PROTOCOLS)
        if not secrets.compare_digest(hello.token.encode(), self.record.token.encode()):
            raise RheostatError(
                "wrong-token",
                "The token is not the running daemon's.",
                "Read daemon.json again, and say hello with its token.",
            )
        if not received.peer.startswith(b"\0"):  # as those do that the ROUTER makes up
            raise RheostatError(
                "bad-message", "The connection chose its own identity.", "Connect without one."
            )
        if lane is self._control:
            session = self._sessions.tie(received.peer, hello.session)
        else:
            self._drop_lost()  # one of them may have had this connection's descriptor
            session = self._sessions.open(received.peer, received.link, hello)
            log.info("hello", extra={"client": session.client, "version": session.version})
        return Welcome(
            protocol=protocol,
            version=__version__,
            instance=self.record.instance,
            device=self._service.device,
            pid=self.record.pid,
            session=session.token,
            limits={
                "frame": MAX_FRAME,
                "frames": MAX_FRAMES,
                "side": MAX_SIDE,
                "picture_memory": self._service.store.budget,
            },
            capabilities=CAPABILITIES,
        )

    def _ping(self, _token: str, ping: Ping, _pixels: Sequence[memoryview]) -> Pong:
        return Pong(
            nonce=ping.nonce,
            instance=self.record.instance,
            queued=self._service.scheduler.queued,
            running=self._service.scheduler.running,
            idle_seconds=self._service.idle_seconds,
        )

    def _status(self, _token: str, request: GetStatus, _pixels: Sequence[memoryview]) -> Status:
        return Status(
            metrics=self._service.metrics.text() if request.metrics else "",
            report={
                "version": __version__,
                "protocol": list(PROTOCOLS),
                "instance": self.record.instance,
                "pid": self.record.pid,
                "uptime": round(time.monotonic() - self._started, 1),
                "device": self._service.device,
                "log": self._log_file,
                **self._service.report(),
                "sessions": [session.report() for session in self._sessions],
            },
        )

    def _shutdown(self, _token: str, _request: Shutdown, _pixels: Sequence[memoryview]) -> Goodbye:
        self._stopping = True
        return Goodbye("The daemon was asked to stop.")

    def _tell(self, token: str, answer: Answer) -> None:
        session = self._sessions.find(token)
        if session is not None:
            self._send(session, answer.message, answer.pixels)

    def _send(self, session: Session, message: Any, pixels: Sequence[Bytes] = ()) -> None:
        session.outbox.append((message, pixels))
        if len(session.outbox) > MAX_OUTBOX:
            self._drop(session, "leaves its answers unread")
        else:
            self._flush(session)

    def _flush(self, session: Session) -> None:
        """Send what the connection takes; the session's jobs pause while there is a rest."""
        if not session.outbox:
            return
        try:
            while session.outbox and self._front.send(session.front, *session.outbox[0]):
                session.outbox.popleft()
        except ConnectionError:
            self._drop(session, "is gone")
        else:
            self._service.hold(session.token, bool(session.outbox))

    def _drop_lost(self) -> None:
        for link in self._front.lost():
            session = self._sessions.of_link(link)
            if session is not None:
                self._drop(session, "has closed its connection")

    def _drop(self, session: Session, why: str) -> None:
        log.info("session over", extra={"client": session.client, "reason": why})
        self._sessions.close(session)
        self._service.leave(session.token)


def serve(
    folder: Path,
    picture_memory: int = PICTURE_MEMORY,
    model_memory: int = MODEL_MEMORY,
    cache_memory: int = DEFAULT_CACHE,
    precision: Precision = "auto",
    longest: float = LONGEST,
) -> None:
    """Be this user's daemon until SIGTERM, SIGINT or a client's `shutdown`.

    folder          for the runtime, whose lock the caller holds
    picture_memory  bytes of uploaded pixels to keep
    model_memory    bytes of models to keep, half of them for networks at slider positions
    cache_memory    bytes of features and results to keep for the next slider move
    precision       auto (bfloat16 where it does not show) or float32
    longest         seconds that one render may take

    Every GPU is used; where there is none, the CPU.
    Raises RheostatError `unwritable` if no sockets can be in the folder.
    """
    log_to(rendezvous.log_file())
    paces = Paces()
    renderers = [
        Renderer(
            device, cache=cache_memory, baked=model_memory // 2, precision=precision, paces=paces
        )
        for device in devices()
    ]
    server = Server(folder, picture_memory, model_memory // 2, renderers, longest)
    if threading.current_thread() is threading.main_thread():
        server.heed_signals()
    rendezvous.write(folder, server.record)
    try:
        server.run()
    finally:
        server.close()
        log.info("stopped")
