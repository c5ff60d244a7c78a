"""The `rheostat` command.

Exit codes: 0 all went well; 1 something failed, and stderr says what and what to do about it;
2 the command was not understood; 130 it was stopped with Ctrl-C. Of several pictures those that can
be filtered are, and the code is 1 if one of them failed.
"""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rheostat_client.errors import RheostatError
from typer.core import TyperGroup

from .commands import check, daemon, filtering, hosts, models, training
from .terminal import complain, say

INTERRUPTED = 130  # what shells report for a program ended by SIGINT


class Group(TyperGroup):
    """Commands that end with a sentence and an exit code, whatever goes wrong."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # any file's name can be said
        try:
            return super().invoke(ctx)
        except RheostatError as error:
            complain(error)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=Group,
    help="Neural filters with sliders, in your image editor and on the command line.",
    epilog="Exit codes: 0 done, 1 failed, 2 not understood, 130 stopped with Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(filtering.filter)
app.command()(models.models)
app.command()(models.show)
app.command()(daemon.serve)
app.command()(daemon.stop)
app.command()(daemon.status)
app.command()(check.doctor)
app.add_typer(hosts.install, name="install", help="Put the filters into an image editor.")
app.add_typer(hosts.uninstall, name="uninstall", help="Take them out again.")
app.command()(training.train)
app.command()(training.pack)
app.command()(training.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"rheostat {version('rheostat')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass
