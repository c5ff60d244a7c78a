"""Pace: how large the steps of a model should be on this machine, and how long a megapixel takes.

Measured when a model is loaded, until two measurements agree, and kept in the user's cache
folder: what runs in one step of a good size runs two or three times as long in one that leaves the
processor's cache, and a busy moment can hide which one that is.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import msgspec
from platformdirs import user_cache_path

log = logging.getLogger(__name__)

LONGEST_STEP = 0.08  # seconds; a cancel waits that long
ENOUGH = 3  # measurements, should no two agree
FILE = "pace.json"


class Pace(msgspec.Struct, frozen=True):
    """What was measured of a model on a device, in a precision.

    side     of a step, in pixels (`Renderer`'s tile)
    seconds  for a megapixel of the picture
    memory   bytes that a step takes for each column of the picture
    """

    side: int
    seconds: float
    memory: int

    @property
    def step(self) -> float:
        """Seconds of one step, for a network that works at half the picture's size."""
        return self.seconds * self.side**2 / 1e6


class Paces:
    """Paces by name, remembered from one start of the daemon to the next."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep them in `folder`, by default the user's cache folder."""
        self._path = (folder or user_cache_path("rheostat", appauthor=False)) / FILE
        self._known: dict[str, list[Pace]] = {}
        try:
            self._known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[Pace]])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("measured anew", extra={"file": str(self._path), "reason": str(error)})

    def get(self, name: str) -> Pace | None:
        """The pace `name`, if two measurements agree on the side or there are enough of them."""
        known = self._known.get(name, [])
        sides = [pace.side for pace in known]
        agreed = [pace for pace in known if sides.count(pace.side) > 1]
        if not agreed and len(known) < ENOUGH:
            return None
        return min(agreed or known, key=lambda pace: pace.seconds)

    def put(self, name: str, pace: Pace) -> None:
        """Remember a measurement; a folder that cannot be written is no reason to fail."""
        self._known.setdefault(name, []).append(pace)
        new = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(msgspec.json.format(msgspec.json.encode(self._known)))
            new.replace(self._path)


def best(measured: list[Pace]) -> Pace:
    """The fastest of those whose steps are short enough; if none is, the one of shortest steps."""
    short = [pace for pace in measured if pace.step <= LONGEST_STEP]
    if short:
        return min(short, key=lambda pace: pace.seconds)
    return min(measured, key=lambda pace: pace.step)
