"""Store: uploaded pixels by content hash, within a budget of bytes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rheostat_client.errors import RheostatError
from rheostat_client.messages import Stored, Upload
from rheostat_client.pixels import hasher, pixel_format

from .raster import Picture


@dataclass(eq=False)
class _Entry:
    """`received` bytes of a picture, from the start; `digest` has run along.

    used  when it was used last, in seconds of the monotonic clock
    """

    picture: Picture
    data: bytearray
    digest: Any  # a running hash; hashlib does not name its type
    received: int = 0
    leases: set[Hashable] = field(default_factory=set)
    used: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        return len(self.data)


class Store:
    """Pictures, kept while there is room.

    A lease keeps a picture for its holder: for a session from the announcement to its next job,
    accepted or refused, for a job until it has ended. Where room is needed what nobody leases goes,
    least recently used first.
    """

    def __init__(self, budget: int) -> None:
        """Hold at most `budget` bytes of pixels."""
        self.budget = budget
        self._entries: dict[str, _Entry] = {}  # least recently used first

    @property
    def held(self) -> int:
        """Bytes taken, unfinished uploads counted whole."""
        return sum(entry.total for entry in self._entries.values())

    def announce(self, upload: Upload, holder: Hashable) -> Stored:
        """Lease the picture, making room for it if it is new; tells how much of it is here.

        Raises RheostatError `bad-format`, `too-large`, `busy`, or `bad-message` if the hash is
        taken by a picture of another shape.
        """
        form = pixel_format(upload.format)
        entry = self._entries.get(upload.hash)
        if entry is None:
            total = form.size(upload.width, upload.height)
            self._make_room(total)
            data = bytearray(total)
            picture = Picture(form, upload.width, upload.height, data)
            entry = _Entry(picture, data, hasher(form.name, upload.width, upload.height))
            self._entries[upload.hash] = entry
        elif (entry.picture.format, entry.picture.width, entry.picture.height) != (
            form,
            upload.width,
            upload.height,
        ):
            raise RheostatError(
                "bad-message",
                f"Picture {upload.hash} is {_shape(entry.picture)} here, "
                f"{upload.width} × {upload.height} {form.name} in the message.",
                "Compute the hash over the picture's own format and size.",
            )
        entry.leases.add(holder)
        self._touch(upload.hash)
        return Stored(upload.hash, entry.received, entry.total)

    def receive(self, upload: Upload, frames: Iterable[memoryview], holder: Hashable) -> Stored:
        """Add the bytes in `frames`, which start at `upload.offset`; known ones are passed over.

        Raises, besides what `announce` does, RheostatError `bad-message` if the bytes leave a gap,
        pass the picture's end, or do not have its hash; in the last case they are forgotten.
        """
        self.announce(upload, holder)
        entry = self._entries[upload.hash]
        frames = list(frames)
        end = upload.offset + sum(len(frame) for frame in frames)
        if upload.offset > entry.received:
            raise RheostatError(
                "bad-message",
                f"The bytes start at {upload.offset}; {entry.received} are here.",
                f"Go on from byte {entry.received}.",
            )
        if end > entry.total:
            raise RheostatError(
                "bad-message",
                f"The bytes end at {end}; {_shape(entry.picture)} has {entry.total}.",
                "Announce the picture's own format and size.",
            )
        position = upload.offset
        for frame in frames:
            fresh = frame[max(0, entry.received - position) :]
            entry.data[entry.received : entry.received + len(fresh)] = fresh
            entry.digest.update(fresh)
            entry.received += len(fresh)
            position += len(frame)
        if entry.received == entry.total and entry.digest.hexdigest() != upload.hash:
            del self._entries[upload.hash]
            raise RheostatError(
                "bad-message",
                f"The pixels have the hash {entry.digest.hexdigest()}, not {upload.hash}.",
                "Send the picture again.",
            )
        return Stored(upload.hash, entry.received, entry.total)

    def picture(self, name: str) -> Picture:
        """The complete picture; RheostatError `unknown-pixels` or `incomplete-pixels`."""
        entry = self._entries.get(name)
        if entry is None:
            raise RheostatError(
                "unknown-pixels", f"No picture {name} is here.", "Upload it (again), then render."
            )
        if entry.received < entry.total:
            raise RheostatError(
                "incomplete-pixels",
                f"{entry.received} of {entry.total} bytes of picture {name} are here.",
                f"Go on from byte {entry.received}.",
            )
        self._touch(name)
        return entry.picture

    def lease(self, name: str, holder: Hashable) -> None:
        """Keep the picture `name`, which is here, until `holder` releases."""
        self._entries[name].leases.add(holder)

    def release(self, holder: Hashable) -> None:
        """End all leases of `holder`, which has used its pictures up to now."""
        for name in [name for name, entry in self._entries.items() if holder in entry.leases]:
            self._entries[name].leases.remove(holder)
            self._touch(name)

    def forget(self, age: float) -> int:
        """Let go of what nobody leases and nobody used for `age` seconds; returns its bytes."""
        before, latest = self.held, time.monotonic() - age
        for name in [n for n, e in self._entries.items() if not e.leases and e.used <= latest]:
            del self._entries[name]
        return before - self.held

    def report(self) -> dict[str, int]:
        """For `status`: pictures, bytes, budget."""
        return {"pictures": len(self._entries), "bytes": self.held, "budget": self.budget}

    def _touch(self, name: str) -> None:
        entry = self._entries[name] = self._entries.pop(name)
        entry.used = time.monotonic()

    def _make_room(self, size: int) -> None:
        if size > self.budget:
            raise RheostatError(
                "too-large",
                f"The picture has {_mib(size)}; the daemon keeps at most {_mib(self.budget)}.",
                "Give the daemon more with `rheostat serve --picture-memory`.",
            )
        loose = [name for name, entry in self._entries.items() if not entry.leases]
        used = self.held - sum(self._entries[name].total for name in loose)
        if used + size > self.budget:
            raise RheostatError(
                "busy",
                f"The picture has {_mib(size)}; of {_mib(self.budget)}, {_mib(used)} are in use.",
                "Wait for the renders to end, or close a picture in another program.",
            )
        for name in loose:
            if self.held + size <= self.budget:
                break
            del self._entries[name]


def _shape(picture: Picture) -> str:
    return f"{picture.width} × {picture.height} {picture.format.name}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
