"""The heap is trimmed now and then, and never where there is nothing to trim it with."""

from __future__ import annotations

import pytest
from rheostatd import memory
from rheostatd.memory import Heap


def test_trimmed_after_a_pause_and_not_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [100.0], list[int]()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    heap = Heap()
    monkeypatch.setattr(heap, "_trim", calls.append)
    for second in (101, 109, 111, 112, 130):
        now[0] = second
        heap.tidy()
    assert calls == [0, 0]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("ctypes.CDLL", None)  # Windows has no library without a name
    monkeypatch.setattr(memory, "PAUSE", -1.0)
    Heap().tidy()


def test_the_real_heap_survives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PAUSE", -1.0)
    Heap().tidy()
