"""Presets: slider positions a user has named, by model. All hosts share them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .controls import Control
from .errors import RheostatError
from .texts import _

MAX_NAME = 80  # characters
MAX_BYTES = 256 * 1024
Values = dict[str, float]


class Presets:
    """The presets of one model: those that came with it, and the user's own.

    The user's are in a JSON file for each model, which people may read and share; one of them may
    have the name of one that came with the model, and then takes its place. Controls that a preset
    does not name stay where they are; those that a newer version of the model no longer has are
    left out.
    """

    def __init__(
        self,
        model: str,
        controls: Sequence[Control],
        folder: Path | None = None,
        shipped: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """For the model's id and its controls; in `folder`, or where the user's settings are.

        `shipped` are those that came with the model.
        """
        self._controls = {control.id: control for control in controls}
        self._shipped = {name: dict(values) for name, values in (shipped or {}).items()}
        self._path = (folder or presets_folder()) / f"{model}.json"

    def names(self) -> list[str]:
        """Those that came with the model, then the user's own in alphabetical order.

        Raises RheostatError `bad-settings`.
        """
        own = sorted(self._read(), key=str.casefold)
        return [*self._shipped, *(name for name in own if name not in self._shipped)]

    def values(self, name: str) -> Values:
        """The values by control id. Raises RheostatError `bad-settings`, `unknown-preset`."""
        found = {**self._shipped, **self._read()}
        if name not in found:
            raise _unknown(name)
        return {
            id: self._controls[id].check(value)
            for id, value in found[name].items()
            if id in self._controls
        }

    def save(self, name: str, values: Mapping[str, float]) -> None:
        """Keep `values` under `name`, in place of what had it before.

        Raises RheostatError `bad-value`, `bad-settings` or `unwritable`.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME:
            raise RheostatError(
                "bad-value",
                _("The name of a preset has {count} characters; 1 to {limit} can be.").format(
                    count=len(name), limit=MAX_NAME
                ),
                _("Choose another name."),
            )
        kept = {id: self._controls[id].check(value) for id, value in values.items()}
        self._write({**self._read(), name: kept})

    def delete(self, name: str) -> None:
        """Forget a preset of the user's own.

        Raises RheostatError `unknown-preset`, `bad-settings`, `unwritable`.
        """
        found = self._read()
        if name not in found:
            raise _stays(name) if name in self._shipped else _unknown(name)
        del found[name]
        self._write(found)

    def _read(self) -> dict[str, Values]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._bad(str(error.strerror)) from error
        try:
            data = json.loads(text) if len(text) <= MAX_BYTES else None
        except (ValueError, RecursionError) as error:
            raise self._bad("it is not JSON") from error
        if not isinstance(data, dict) or not all(map(_are_values, data.values())):
            raise self._bad(f"it is no list of presets of at most {MAX_BYTES} bytes")
        return data

    def _write(self, presets: Mapping[str, Values]) -> None:
        new = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(presets, indent=1, sort_keys=True), "utf-8")
            new.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            raise RheostatError(
                "unwritable",
                _("Presets cannot be kept in {path}: {reason}.").format(
                    path=self._path, reason=error.strerror
                ),
                _("Make the folder writable."),
            ) from error

    def _bad(self, what: str) -> RheostatError:
        return RheostatError(
            "bad-settings",
            _("The presets in {path} cannot be read: {reason}.").format(
                path=self._path, reason=what
            ),
            _("Correct the file, or move it away."),
        )


def presets_folder() -> Path:
    """`$RHEOSTAT_PRESETS`, else `rheostat/presets` where the system keeps users' settings."""
    if given := os.environ.get("RHEOSTAT_PRESETS"):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "rheostat" / "presets"


def _are_values(preset: Any) -> bool:
    return isinstance(preset, dict) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in preset.values()
    )


def _unknown(name: str) -> RheostatError:
    return RheostatError(
        "unknown-preset",
        _("There is no preset '{name}'.").format(name=name),
        _("Choose another one."),
    )


def _stays(name: str) -> RheostatError:
    return RheostatError(
        "unknown-preset",
        _("The preset '{name}' came with the model and stays.").format(name=name),
        _("Delete one of your own."),
    )
