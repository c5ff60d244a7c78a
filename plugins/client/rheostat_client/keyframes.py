"""Keyframes: sliders that move over the frames of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .controls import Control

Values = Mapping[str, float]
Keys = Mapping[int, Values]  # by frame


def at(keys: Keys, controls: Sequence[Control], frame: int) -> dict[str, float]:
    """The values at a frame: a key's own, between two keys evenly along the slider.

    Before the first and after the last key, that key's. There has to be a key.
    """
    before = max((key for key in keys if key <= frame), default=min(keys))
    after = min((key for key in keys if key >= frame), default=max(keys))
    if before == after:
        return dict(keys[before])
    share = (frame - before) / (after - before)
    return {
        control.id: _between(control, keys[before][control.id], keys[after][control.id], share)
        for control in controls
    }


def to_plain(keys: Keys) -> dict[str, dict[str, float]]:
    """For a settings record."""
    return {str(frame): dict(values) for frame, values in sorted(keys.items())}


def from_plain(data: Any, controls: Sequence[Control]) -> dict[int, dict[str, float]]:
    """What `to_plain` gave; damaged keys, and those with values no control takes, are left out."""
    found: dict[int, dict[str, float]] = {}
    for frame, values in data.items() if isinstance(data, dict) else ():
        if str(frame).isdecimal() and isinstance(values, dict):
            kept = {c.id: values.get(c.id) for c in controls}
            if all(_takes(c, kept[c.id]) for c in controls):
                found[int(frame)] = {
                    id: float(value) for id, value in kept.items() if value is not None
                }
    return found


def _takes(control: Control, value: Any) -> bool:
    low, high = control.hard
    return isinstance(value, (int, float)) and low <= value <= high


def _between(control: Control, start: float, end: float, share: float) -> float:
    if start == end:
        return start
    first, last = control.position(start), control.position(end)
    low, high = sorted((start, end))
    return min(high, max(low, control.value(first + share * (last - first))))
