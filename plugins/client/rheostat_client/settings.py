"""Settings: what a layer or a file remembers of the filter that made it.

Canonical JSON: the same bytes in a GIMP parasite, a Krita annotation and the metadata of a
picture the command line wrote, so that each host can re-open what another made. ASCII, because
GIMP's Python takes no other bytes for a parasite and PNG text is Latin-1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .errors import RheostatError
from .texts import _

SCHEMA = 1
PARASITE = "rheostat-settings"  # name of the GIMP parasite and Krita annotation
MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """A render that can be repeated.

    model, version, digest   which weights made it (digest: SHA-256 of the package, hex)
    controls                 λ by control id
    maps                     painted λ: control id -> where the map is found (host-specific)
    region                   [x, y, width, height] in the source's pixels, or None for all of it
    source                   where the source is found (host-specific: layer id, name; file name)
    """

    model: str
    version: str
    digest: str
    controls: Mapping[str, float]
    maps: Mapping[str, Any] = field(default_factory=dict)
    region: tuple[int, int, int, int] | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Canonical JSON in ASCII: sorted keys, no spaces, non-finite numbers refused."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings:
        """The record in `text`, or RheostatError `bad-settings` that says what is wrong."""
        if len(text) > MAX_BYTES:
            raise _bad(f"it is {len(text)} bytes long, the limit is {MAX_BYTES}")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _bad("it is not JSON") from error
        if not isinstance(data, dict):
            raise _bad("it is not a JSON object")
        schema: Any = data.get("schema")
        if not _is_int(schema) or not 1 <= schema <= SCHEMA:
            raise _bad(f"its schema is {schema!r}, this version reads 1 to {SCHEMA}")
        controls = data.get("controls")
        if not isinstance(controls, dict) or not all(_is_number(v) for v in controls.values()):
            raise _bad("its controls are not numbers by name")
        for name in ("model", "version", "digest"):
            if not isinstance(data.get(name), str):
                raise _bad(f"its {name} is missing")
        known = {f.name for f in fields(cls)}
        given = {k: v for k, v in data.items() if k in known}
        region = given.get("region")
        if region is not None:
            if not (isinstance(region, list) and len(region) == 4 and all(map(_is_int, region))):
                raise _bad("its region is not four whole numbers")
            given["region"] = tuple(region)
        for name in ("maps", "source"):
            if not isinstance(given.get(name, {}), dict):
                raise _bad(f"its {name} is not an object")
        return cls(**given)


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bad(what: str) -> RheostatError:
    return RheostatError(
        "bad-settings",
        _("The settings record cannot be read: {what}.").format(what=what),
        _("Run the filter again from the source layer."),
    )
