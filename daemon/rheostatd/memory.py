"""Memory: what was freed goes back to the system.

glibc keeps freed blocks for the next allocation. Networks at ever new slider positions and pictures
of ever new sizes leave more and more of them: half a gigabyte in an hour that nobody uses.
"""

from __future__ import annotations

import ctypes
import sys
import time

PAUSE = 10.0  # seconds at least between two looks through the heap


class Heap:
    """The C library's heap, where it can be trimmed."""

    def __init__(self) -> None:
        """Find the C library."""
        self._trimmed = time.monotonic()
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._trim = getattr(library, "malloc_trim", None)  # musl has none

    def tidy(self) -> None:
        """Give back what is free, if that was not done a moment ago; takes milliseconds."""
        now = time.monotonic()
        if self._trim is not None and now - self._trimmed > PAUSE:
            self._trim(0)
            self._trimmed = now
