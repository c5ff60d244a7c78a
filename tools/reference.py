"""Keep the tables in docs/ in step with the code: `python tools/reference.py` rewrites them.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; a test runs `renewed` on every
document and finds nothing to change.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

from rheostat_client import messages
from rheostat_client.controls import Control
from rheostat_client.pixels import FORMATS

DOCUMENTS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LIMITS = {
    "MAX_HEADER": "bytes of a request's header",
    "MAX_ANSWER": "bytes of an answer's header",
    "MAX_FRAME": "bytes of one pixel frame",
    "MAX_FRAMES": "pixel frames in one message",
    "CHUNK": "bytes our clients put into one frame",
    "MAX_SIDE": "pixels on a side of a picture",
    "MAX_ID": "characters of a job, key, hash or model id",
}


def message_table() -> Iterable[str]:
    """Every message: kind, fields, first paragraph of its docstring."""
    yield "| kind | fields | meaning |"
    yield "|---|---|---|"
    for kind, cls in messages.KINDS.items():
        names = ", ".join(f"`{f.name}`" for f in fields(cls)) or "–"
        yield f"| `{kind}` | {names} | {_first_paragraph(cls)} |"


def limit_table() -> Iterable[str]:
    """Every limit of the wire."""
    yield "| limit | value | of |"
    yield "|---|---|---|"
    for name, meaning in _LIMITS.items():
        yield f"| `{name}` | {getattr(messages, name)} | {meaning} |"


def format_table() -> Iterable[str]:
    """Every pixel format."""
    yield "| format | channels | bytes per channel |"
    yield "|---|---|---|"
    for form in FORMATS.values():
        yield f"| `{form.name}` | {form.channels} | {form.bytes_per_channel} |"


def control_table() -> Iterable[str]:
    """Every field of a control, from its docstring."""
    yield "| field | meaning |"
    yield "|---|---|"
    listing = inspect.cleandoc(Control.__doc__ or "").split("\n\n")[1]
    for entry in re.split(r"\n(?=\S)", listing):  # an entry goes on in indented lines
        name, *meaning = entry.split()
        yield f"| `{name}` | {' '.join(meaning)} |"


TABLES: dict[str, Callable[[], Iterable[str]]] = {
    "messages": message_table,
    "limits": limit_table,
    "formats": format_table,
    "controls": control_table,
}


def renewed(text: str) -> str:
    """`text` with every table written anew; KeyError for a table nobody knows."""
    return _BLOCK.sub(lambda m: m[1] + "\n".join(TABLES[m[2]]()) + "\n" + m[3], text)


def main() -> None:
    """Rewrite all documents."""
    for path in sorted(DOCUMENTS.glob("*.md")):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


def _first_paragraph(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


if __name__ == "__main__":
    main()
