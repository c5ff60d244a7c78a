"""Doctor: looks for what could keep Rheostat from working."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.rendezvous import endpoints, runtime_folder

from . import krita
from .installation import contents, find_profiles, is_current, plug_in

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """What was found of a subject; `remedy` is empty if it is ok."""

    subject: str
    state: str
    text: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything, in the order in which one thing needs the other."""
    return [finding for look in LOOKS for finding in _careful(look.__name__.strip("_"), look)]


def _careful(subject: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except RheostatError as error:
        yield Finding(subject, PROBLEM, error.message, error.remedy)
    except Exception as error:  # a file that cannot be read, say; the other looks go on
        text = f"{type(error).__name__}: {error}."
        yield Finding(subject, PROBLEM, text, "Mend that, or install Rheostat again.")


def _python() -> Iterator[Finding]:
    text = f"{platform.python_version()}, {sys.executable}; rheostat {metadata.version('rheostat')}"
    yield Finding("python", OK, text)


def _torch() -> Iterator[Finding]:
    try:
        import torch

        from .renderer import Renderer

        yield Finding("torch", OK, f"{torch.__version__}, on {Renderer().name}")
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding("torch", PROBLEM, f"{error}.", "Install it again.")


def _runtime() -> Iterator[Finding]:
    folder = runtime_folder()
    endpoints(folder)
    yield Finding("runtime", OK, f"{folder}, for this user alone")


def _models() -> Iterator[Finding]:
    from rheostat.package import find_packages

    packages = find_packages()
    if not packages:
        yield Finding("models", PROBLEM, "There is none.", "Install Rheostat again.")
    for name, folder in packages.items():
        yield from _careful(f"model {name}", partial(_model, name, folder))


def _model(name: str, folder: Path) -> Iterator[Finding]:
    from rheostat.package import read_package

    package = read_package(folder)
    package.check_golden()
    yield Finding(f"model {name}", OK, f"{package.info.version}, {folder}")


def _daemon() -> Iterator[Finding]:
    try:
        with Connection.open() as connection:
            connection.ping()
            welcome = connection.welcome
    except RheostatError as error:
        if error.code != "no-daemon":
            raise
        yield Finding("daemon", OK, "not running; it is started when it is needed")
        return
    text = f"{welcome.version}, process {welcome.pid}, on {welcome.device}"
    if welcome.version == metadata.version("rheostat"):
        yield Finding("daemon", OK, text)
    else:
        yield Finding("daemon", WARNING, f"{text}: another version.", "Run: rheostat stop")


def _gimp() -> Iterator[Finding]:
    profiles = find_profiles()
    if not profiles:
        yield Finding("gimp", OK, "no profile of GIMP 3")
        return
    files, _ = contents("gimp")
    for profile in profiles:
        yield _installed("gimp", profile, plug_in(profile), is_current(profile, files))


def _krita() -> Iterator[Finding]:
    try:
        homes = krita.find_homes()
    except RheostatError as error:
        yield Finding("krita", OK, error.message)
        return
    files, _ = contents("krita")
    for home in homes:
        is_current = krita.is_current(home, files)
        yield _installed("krita", home.resources, home.folder, is_current)


def _installed(host: str, profile: Path, folder: Path, is_current: bool) -> Finding:
    if is_current:
        return Finding(host, OK, f"installed in {profile}")
    text = "Rheostat or its models have changed" if folder.exists() else "Rheostat is not installed"
    return Finding(host, WARNING, f"{profile}: {text}.", f"Run: rheostat install {host}")


LOOKS = (_python, _torch, _runtime, _models, _daemon, _gimp, _krita)
