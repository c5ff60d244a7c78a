"""Link: both lanes to a daemon that was found, or started because there was none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from . import __version__
from .channel import Answer, Channel, Pulse, lost, mute
from .errors import RheostatError
from .launch import Launch
from .messages import PROTOCOLS, Error, Hello, Welcome, agree
from .rendezvous import START_LOCK, Lock, Record, is_claimed, log_file, read, runtime_folder
from .texts import _
from .transport import connect

HANDSHAKE = 10.0  # seconds a living daemon may take to greet
PAUSE = 0.05  # seconds between two looks for a daemon that is starting


@dataclass(frozen=True)
class Link:
    """The front and the control lane, both greeted, and what the daemon said of itself."""

    front: Channel
    control: Channel
    pulse: Pulse
    welcome: Welcome

    def listen(self, timeout: float) -> Answer | None:
        """The next message of the front lane, or None after `timeout` seconds.

        Call it again at least every second. Raises RheostatError `daemon-lost` if the daemon is
        gone, or frozen: it neither sends anything nor answers pings.
        """
        answer = self.front.receive(timeout)
        if answer is None:
            self.pulse.check()
        else:
            self.pulse.beat()
        return answer

    def close(self) -> None:
        """Drop both lanes."""
        self.front.close()
        self.control.close()


def reach(start: Sequence[str] | None, name: str, timeout: float) -> Link:
    """A link to this user's daemon, started with the command `start` if none is running.

    Clients that come at the same time start one daemon between them. Raises RheostatError
    `no-daemon`, `daemon-start-failed`, `daemon-lost` (frozen), `wrong-protocol` or `wrong-token`.
    """
    folder = runtime_folder()
    deadline = time.monotonic() + timeout
    lock = Lock(folder / START_LOCK)
    is_starter, launch = False, None
    with lock:
        while True:
            link = join(folder, name)
            if link is not None:
                return link
            if not is_claimed(folder):
                if start is None:
                    raise RheostatError(
                        "no-daemon",
                        _("No Rheostat daemon is running."),
                        _("Start it: rheostat serve."),
                    )
                if not is_starter:
                    # Then look again: whoever had the lock may have started the daemon.
                    is_starter = lock.acquire()
                elif launch is None:
                    launch = Launch(start)
                elif launch.has_ended:
                    raise launch.failure()
            if time.monotonic() > deadline:
                raise launch.failure() if launch else _unreachable(timeout)
            time.sleep(PAUSE)


def join(folder: Path, name: str) -> Link | None:
    """A link to the daemon that holds `folder`, or None if there is none that listens."""
    record = read(folder)
    if record is None or not is_claimed(folder):
        return None
    with ExitStack() as opened:
        lanes = []
        for endpoint in (record.front, record.control):
            try:
                lane = connect(endpoint, HANDSHAKE)
            except TimeoutError as error:
                raise mute(record.pid, HANDSHAKE) from error
            except OSError:
                return None
            lanes.append(Channel(lane, record.pid))
            opened.callback(lane.close)
        front, control = lanes
        agree(PROTOCOLS, record.protocol)
        welcome = _greet(front, record, name)
        _greet(control, record, name, welcome.session)
        opened.pop_all()
    return Link(front, control, Pulse(control, record.pid), welcome)


def _greet(channel: Channel, record: Record, name: str, session: str = "") -> Welcome:
    channel.send(Hello(PROTOCOLS, name, __version__, record.token, session))
    answer = channel.receive(HANDSHAKE)
    if answer is None:
        raise mute(record.pid, HANDSHAKE)
    if isinstance(answer.message, Error):
        raise answer.message.exception()
    if not isinstance(answer.message, Welcome):
        raise lost(
            record.pid,
            _("did not greet but sent {name}").format(name=type(answer.message).__name__),
        )
    return answer.message


def _unreachable(timeout: float) -> RheostatError:
    return RheostatError(
        "daemon-start-failed",
        _("A daemon is starting but could not be reached within {seconds:g} s.").format(
            seconds=timeout
        ),
        _("Try again in a moment. Its log is {log}.").format(log=log_file()),
    )
