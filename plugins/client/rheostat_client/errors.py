"""The one shape of every error: a code for programs, a sentence and a remedy for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .texts import _


class RheostatError(Exception):
    """An error a person may see.

    `code` is stable and machine-readable (see docs/protocol.md), `message` is a sentence that
    names the offending value and the limit, `remedy` says what to do next.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        """Give the code, the sentence and what to do about it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Message and remedy as one paragraph."""
        return f"{self.message} {self.remedy}".strip()


def nearest(wanted: str, known: Iterable[str]) -> str:
    """A remedy that names the known words closest to `wanted`, or all of them if none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else "None is known."


def unreadable(what: str) -> RheostatError:
    """The error for an answer of the daemon that makes no sense."""
    return RheostatError(
        "bad-message",
        _("The daemon's answer cannot be read: {what}.").format(what=what),
        _("Bring this program and Rheostat to the same version."),
    )
