"""Loop: that of a host program, turned by the test."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable


class Loop:
    """A host program's loop, turned by the test."""

    def __init__(self) -> None:
        self._asked: queue.Queue[Callable[[], None]] = queue.Queue()
        self._repeated: list[tuple[int, Callable[[], bool]]] = []

    def soon(self, act: Callable[[], None]) -> None:
        self._asked.put(act)

    def repeat(self, milliseconds: int, act: Callable[[], bool]) -> None:
        self._repeated.append((milliseconds, act))

    def turn_until(self, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not look():
            assert time.monotonic() < deadline, "it did not come"
            while not self._asked.empty():
                self._asked.get()()
            due, self._repeated = self._repeated, []
            self._repeated += [(each, act) for each, act in due if act()]
            time.sleep(0.005)

    @property
    def is_idle(self) -> bool:
        return not self._repeated
