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
Resources = Annotated[
    Path | None,
    Option("--profile", metavar="DIR", help="Krita's resource folder; by default it is found."),
]
Archive = Annotated[
    Path | None,
    Option(metavar="FILE", help="Write a plug-in that Krita imports, for this computer, instead."),
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

    files, warnings = contents("gimp")
    for sentence in warnings:
        warn(sentence)
    for folder in gimp_profiles(profile):
        say(f"Installed in {install(folder, files)}")
        _say_permission(folder)
    say("Start GIMP, or start it again; the filters are under Filters ▸ Rheostat.")


@install.command("krita")
def install_krita(profile: Resources = None, zip: Archive = None) -> None:
    """Put Rheostat into Krita: a docker, and entries in the Filter menu."""
    from ..installation import contents
    from ..krita import find_homes, install, pack

    files, warnings = contents("krita")
    for sentence in warnings:
        warn(sentence)
    if zip:
        pack(zip, files)
        say(f"Wrote {zip}; in Krita: Tools ▸ Scripts ▸ Import Python Plugin from File…")
        return
    for home in find_homes(profile):
        say(f"Installed in {install(home, files)}")
        _say_permission(home.resources)
    say("Start Krita, or start it again; the docker is under Settings ▸ Dockers ▸ Rheostat.")


@uninstall.command("krita")
def uninstall_krita(profile: Resources = None) -> None:
    """Take Rheostat out of Krita."""
    from ..krita import find_homes, uninstall

    for home in find_homes(profile):
        removed = uninstall(home)
        say(f"Removed {removed}" if removed else f"Rheostat is not installed in {home.resources}")


@uninstall.command("gimp")
def uninstall_gimp(profile: Profile = None) -> None:
    """Take Rheostat out of GIMP 3."""
    from ..installation import gimp_profiles, uninstall

    for folder in gimp_profiles(profile):
        removed = uninstall(folder)
        say(f"Removed {removed}" if removed else f"Rheostat is not installed in {folder}")


def _say_permission(place: Path) -> None:
    from ..installation import permission, sandbox

    if app := sandbox(place):
        say(f"It needs a permission, once: {permission(app)}")
