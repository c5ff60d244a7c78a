"""`rheostat install` and `uninstall`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from ..terminal import say, warn

Profile = Annotated[
    Path | None,
    Option(metavar="DIR", help="GIMP's profile folder; by default all of them are found."),
]

install = typer.Typer(no_args_is_help=True)
uninstall = typer.Typer(no_args_is_help=True)


@install.callback()
@uninstall.callback()
def _group() -> None:
    pass


@install.command("gimp")
def install_gimp(profile: Profile = None) -> None:
    """Put Rheostat into GIMP 3, under Filters ▸ Rheostat."""
    from ..installation import contents, gimp_profiles, install

    files, warnings = contents()
    for sentence in warnings:
        warn(sentence)
    for folder in gimp_profiles(profile):
        say(f"Installed in {install(folder, files)}")
    say("Start GIMP, or start it again; the filters are under Filters ▸ Rheostat.")


@uninstall.command("gimp")
def uninstall_gimp(profile: Profile = None) -> None:
    """Take Rheostat out of GIMP 3."""
    from ..installation import gimp_profiles, uninstall

    for folder in gimp_profiles(profile):
        removed = uninstall(folder)
        say(f"Removed {removed}" if removed else f"Rheostat is not installed in {folder}")
