"""Exchange: which of the daemon's answers belongs to which request."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Optional, TypeVar, Union

from .channel import Answer, mute
from .errors import RheostatError
from .link import Link, reach
from .messages import Cancel, Done, Error, Estimate, Estimated, Render
from .texts import _

POLL = 0.1  # seconds between two looks at whether the user wants to stop
ANSWER = 20.0  # seconds in which anything but a render is answered
BUSY = 5.0  # seconds for which a job is sent again that the daemon is too busy to take
STOP = 2.0  # seconds a cancelled render may take to say that it stopped
NOTHING: Mapping[str, str] = MappingProxyType({})

Job = Union[Render, Estimate]
ENDS = (Done, Estimated)  # the last answer to a job that does not fail
ShouldCancel = Optional[Callable[[], bool]]
T = TypeVar("T")


class Exchange:
    """Requests and answers over a link, which is made anew when the daemon has gone.

    Jobs can be followed to their end, or submitted and their answers received later; the
    answers to both, and to requests in between, may come in any order.
    """

    def __init__(self, start: Sequence[str] | None, name: str, timeout: float) -> None:
        """Reach the daemon; arguments and errors are those of `link.reach`."""
        self._reach = (start, name, timeout)
        self._submitted: set[str] = set()  # jobs that have not ended
        self._inbox: deque[Answer] = deque()
        self._is_closed = False
        self.link = reach(*self._reach)

    def ask(self, request: Any, kind: type[T], match: Mapping[str, str] = NOTHING) -> T:
        """Send a request on the front lane and wait for its answer, whose fields `match`."""
        self.revive().front.send(request)
        return self.expect(kind, match)

    def command(self, request: Any, kind: type[T], match: Mapping[str, str] = NOTHING) -> T:
        """Send a request on the control lane and wait for its answer, whose fields `match`."""
        link = self.revive()
        link.control.send(request)
        return self._await(link.control.receive, kind, match)

    def expect(
        self, kind: type[T], match: Mapping[str, str], should_cancel: ShouldCancel = None
    ) -> T:
        """Wait for the front lane's answer of this kind whose fields `match`.

        Raises RheostatError: the daemon's own, `cancelled` or `daemon-lost`.
        """
        return self._await(self.link.listen, kind, match, should_cancel)

    def follow(self, request: Job, should_cancel: ShouldCancel) -> Generator[Answer, None, None]:
        """The answers to a job, its end last; whoever stops reading before cancels it.

        A job that the daemon is too busy to take is sent again for a while.
        """
        deadline = time.monotonic() + BUSY
        while True:
            try:
                yield from self._follow(request, should_cancel)
                return
            except RheostatError as error:
                if error.code != "busy" or time.monotonic() > deadline:
                    raise
            time.sleep(POLL)
            check(should_cancel)

    def _follow(self, request: Job, should_cancel: ShouldCancel) -> Generator[Answer, None, None]:
        link = self.revive()
        link.front.send(request)
        is_over, give_up = False, math.inf
        try:
            while not is_over:
                if time.monotonic() > give_up:
                    raise cancelled()
                if give_up == math.inf and should_cancel and should_cancel():
                    link.control.send(Cancel(request.job))
                    give_up = time.monotonic() + STOP
                answer = link.listen(POLL)
                if answer is None:
                    continue
                message = answer.message
                if isinstance(message, Error) and message.job in ("", request.job):
                    is_over = True
                    raise self._refused(message)
                if getattr(message, "job", "") != request.job:
                    self._keep(answer)
                    continue
                is_over = isinstance(message, ENDS)
                yield answer
        finally:
            if not is_over:
                link.control.send(Cancel(request.job))

    def submit(self, request: Job) -> str:
        """Send a job without waiting, and return its name; `receive` gives its answers.

        Raises RheostatError `daemon-lost` if the daemon has gone: making a new link takes time.
        """
        self._drain()
        self.link.front.send(request)
        self._submitted.add(request.job)
        return request.job

    def abandon(self, job: str) -> None:
        """Have a submitted job stopped, without waiting to hear of it."""
        self.link.control.send(Cancel(job))

    def receive(self, timeout: float) -> Answer | None:
        """The next answer to a submitted job, or None after `timeout` seconds.

        The last one is `Done`, `Estimated` or `Error`. Raises RheostatError `daemon-lost`.
        """
        deadline = time.monotonic() + timeout
        while not self._inbox:
            left = deadline - time.monotonic()
            answer = self.link.listen(max(0.0, min(left, POLL)))
            if answer is not None:
                self._keep(answer)
            elif left <= 0:
                return None
        return self._inbox.popleft()

    def revive(self) -> Link:
        """The link; a new one if the daemon has gone since the last call."""
        if self._is_closed:
            raise RheostatError("no-daemon", "This connection was closed.", "Open another one.")
        try:
            self._drain()
        except RheostatError:
            self._submitted.clear()
            self._inbox.clear()
            self.link = reach(*self._reach)
        return self.link

    def close(self) -> None:
        """Drop the link for good."""
        self._is_closed = True
        self.link.close()

    def _drain(self) -> None:
        """Take what has come; RheostatError, and a closed link, if the daemon has gone."""
        try:
            while answer := self.link.front.receive(0):
                self._keep(answer)
            while self.link.control.receive(0):
                pass
        except RheostatError:
            self.link.close()
            raise

    def _await(
        self,
        receive: Callable[[float], Answer | None],
        kind: type[T],
        match: Mapping[str, str],
        should_cancel: ShouldCancel = None,
    ) -> T:
        deadline, is_late = time.monotonic() + ANSWER, False
        while True:
            check(should_cancel)
            answer = receive(POLL)
            if answer is None:
                if is_late:  # and it was listened once more: this process may have been stopped
                    break
                is_late = time.monotonic() >= deadline
                continue
            message = answer.message
            if isinstance(message, Error) and not message.job:
                raise self._refused(message)
            if isinstance(message, kind) and match.items() <= vars(message).items():
                return message
            self._keep(answer)
        self.link.close()  # an answer that comes after all is nobody's
        raise mute(self.link.welcome.pid, ANSWER)

    def _refused(self, error: Error) -> RheostatError:
        if error.code == "no-session":
            self.link.close()  # the daemon has dropped it already; the next call makes another
        return error.exception()

    def _keep(self, answer: Answer) -> None:
        """Leave an answer to a submitted job for `receive`; drop any other."""
        message = answer.message
        job = getattr(message, "job", "")
        if job in self._submitted:
            self._inbox.append(answer)
            if isinstance(message, (*ENDS, Error)):
                self._submitted.discard(job)


def compose(kind: Callable[..., T], *values: Any) -> T:
    """A message of this kind; RheostatError `bad-value` if it cannot have these values."""
    try:
        return kind(*values)
    except (TypeError, ValueError) as error:
        what = str(error)
        raise RheostatError("bad-value", f"{what[:1].upper()}{what[1:]}.") from error


def check(should_cancel: ShouldCancel) -> None:
    """RheostatError `cancelled` if the user wants to stop."""
    if should_cancel and should_cancel():
        raise cancelled()


def cancelled() -> RheostatError:
    """The error for what the user stopped."""
    return RheostatError("cancelled", _("The filter was cancelled."))
