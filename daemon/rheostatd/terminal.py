"""Terminal: how the commands speak. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from rheostat_client.errors import RheostatError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer import Option

ENDLESS = 10_000  # columns: programs that read a table break no lines

Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]


def say(*parts: str | Table) -> None:
    """Print to stdout, as it is: no markup, no lines broken."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = ENDLESS
    console.print(*parts)


def say_json(data: Any) -> None:
    """Print `data` as JSON to stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def warn(sentence: str) -> None:
    """Print a warning to stderr."""
    _stderr().print("[yellow]warning:[/]", end=" ")
    _stderr().print(sentence, markup=False)


def complain(error: RheostatError) -> None:
    """Print an error and its remedy to stderr."""
    _stderr().print("[red]error:[/]", end=" ")
    _stderr().print(str(error), markup=False)


def table(*headings: str) -> Table:
    """An empty table without lines."""
    return Table(
        *headings, box=None, pad_edge=False, header_style="bold", show_header=bool(headings)
    )


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on stderr; nothing is shown where that is no terminal."""
    console = _stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield bar


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)
