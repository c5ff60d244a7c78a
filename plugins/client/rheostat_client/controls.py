"""Control: one slider of a model, described once for every host.

From this description come the GIMP dialog, the Krita docker, the command-line values and the
documentation. Standard library only, Python 3.9: it runs inside the hosts' own interpreters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import RheostatError, nearest

CURVES = ("linear", "sqrt", "log")
STAGES = ("trunk", "head", "blend")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")  # GIMP takes nothing else for an argument's name


@dataclass(frozen=True)
class Control:
    """One named input λᵢ of a tunable model.

    id       stable name, never changed once published
    label    what the host shows
    help     what *more* of it does, in at most two sentences
    unit     physical unit ("8-bit levels", "px", "JPEG quality") or "artistic"
    hard     [low, high] where the model is defined; values outside are refused, never clamped
    soft     [low, high] the slider's travel
    trained  [low, high] seen in training; hosts shade the rest
    default  value of a fresh dialog
    off      value at which the output is the input bit for bit, or None if there is none
    step     smallest useful change
    curve    how slider travel maps to values: linear, sqrt (fine near the low end) or log
    ends     words for the two ends of the slider
    map      may be given per pixel
    stage    what a change invalidates: trunk, head or blend
    auto     name of an estimator the daemon can run, or None
    monotone name of the measured loss that falls along this control, or None
    """

    id: str
    label: str
    help: str
    unit: str
    hard: tuple[float, float]
    soft: tuple[float, float]
    trained: tuple[float, float]
    default: float
    off: float | None = None
    step: float = 0.01
    curve: str = "linear"
    ends: tuple[str, str] = ("", "")
    map: bool = False
    stage: str = "trunk"
    auto: str | None = None
    monotone: str | None = None

    def __post_init__(self) -> None:
        """Refuse a description that contradicts itself."""
        if not ID.fullmatch(self.id):
            raise self._bad("an id is lower-case words of letters and digits joined by hyphens")
        low, high = self.hard
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise self._bad(f"hard range {low:g}..{high:g} is empty")
        for name, (a, b) in (("soft", self.soft), ("trained", self.trained)):
            if not low <= a < b <= high:
                raise self._bad(f"{name} range {a:g}..{b:g} is not inside {low:g}..{high:g}")
        for name, value in (("default", self.default), ("off", self.off)):
            if value is not None and not low <= value <= high:
                raise self._bad(f"{name} {value:g} is not inside {low:g}..{high:g}")
        if self.curve not in CURVES:
            raise self._bad(f"curve {self.curve!r} is none of {', '.join(CURVES)}")
        if self.curve == "log" and self.soft[0] <= 0:
            raise self._bad("a log curve needs a slider that starts above 0")
        if self.stage not in STAGES:
            raise self._bad(f"stage {self.stage!r} is none of {', '.join(STAGES)}")
        if not (math.isfinite(self.step) and self.step > 0):
            raise self._bad(f"step {self.step:g} is not above 0")

    def _bad(self, what: str) -> RheostatError:
        return RheostatError(
            "bad-manifest", f"Control {self.id!r}: {what}.", "Correct the model's model.toml."
        )

    def check(self, value: float) -> float:
        """`value` as a float, or RheostatError `bad-value` naming the value and both limits."""
        low, high = self.hard
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and low <= value <= high:
            return float(value)
        given = f"{value:g}" if isinstance(value, float) else repr(value)[:40]
        raise RheostatError(
            "bad-value",
            f"{self.label} ({self.id}) is {given}; allowed is {low:g} to {high:g} ({self.unit}).",
            f"Give a number from {low:g} to {high:g}.",
        )

    def is_off(self, value: float) -> bool:
        """Whether `value` is the position at which this control leaves the picture untouched."""
        return self.off is not None and value == self.off

    @property
    def black(self) -> float:
        """The value where a map is black: off, or the slider's lowest where there is no off."""
        return self.soft[0] if self.off is None else self.off

    def position(self, value: float) -> float:
        """Slider travel 0..1 (over the soft range) for a value; may leave 0..1 outside it."""
        low, high = self.soft
        if self.curve == "log":
            return math.log(value / low) / math.log(high / low)
        linear = (value - low) / (high - low)
        if self.curve == "sqrt":
            return math.copysign(math.sqrt(abs(linear)), linear)
        return linear

    def value(self, position: float) -> float:
        """The value at slider travel `position`; inverse of `position()`."""
        low, high = self.soft
        if self.curve == "log":
            return float(low * (high / low) ** position)
        linear = math.copysign(position * position, position) if self.curve == "sqrt" else position
        return low + linear * (high - low)

    def rounded(self, value: float) -> float:
        """The nearest value that is a whole number of steps, inside the hard range."""
        low, high = self.hard
        return min(high, max(low, round(round(value / self.step) * self.step, 9)))

    @property
    def digits(self) -> int:
        """Decimal places that a whole number of steps has, 0..6."""
        return next((digits for digits in range(6) if round(self.step, digits) == self.step), 6)

    def format(self, value: float) -> str:
        """The value with as many digits as `step` makes meaningful: 25, 0.3."""
        text = f"{value:.{self.digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the wire and for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Control:
        """The control described by plain data; unknown fields are ignored (a newer peer's)."""
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known
        }
        try:
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise RheostatError(
                "bad-manifest",
                f"Control {data.get('id', '?')!r} cannot be read: {error}.",
                "Correct the model's model.toml.",
            ) from error


def complete(controls: Sequence[Control], values: Mapping[str, float]) -> dict[str, float]:
    """Every control's value in the model's order: the given one, checked, or the default.

    Raises RheostatError `unknown-control` (naming the nearest ids) or `bad-value`.
    """
    known = {control.id for control in controls}
    for name in values:
        if name not in known:
            raise RheostatError(
                "unknown-control", f"There is no control {name!r}.", nearest(name, known)
            )
    return {c.id: c.check(values.get(c.id, c.default)) for c in controls}


def title(name: str, controls: Sequence[Control], values: Mapping[str, float]) -> str:
    """A layer name an artist can read: `Denoise · noise 25 · camera 0 · detail 0.3`."""
    parts = [name, *(f"{c.id} {c.format(values[c.id])}" for c in controls)]
    return " · ".join(parts)
