"""Krita: where its plug-ins are, and the setting that switches one on."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rheostat_client.errors import RheostatError

from .installation import NAME, Files, check_ours, put, remove, tree

DESKTOP = f"{NAME}.desktop"  # what tells Krita of a plug-in


class Home(NamedTuple):
    """A Krita: its folder of resources, and its file of settings."""

    resources: Path
    settings: Path

    @property
    def folder(self) -> Path:
        """Where the plug-in's folder is, or would be."""
        return self.resources / "pykrita" / NAME


def find_homes(given: Path | None = None) -> list[Home]:
    """Every Krita that was ever started here, or the one whose resources are in `given`.

    RheostatError `no-host` if there is none.
    """
    known = list(_homes())
    if given:
        same = [home for home in known if home.resources == given]
        return same or [Home(given, known[0].settings)]
    found = [home for home in known if home.resources.is_dir() or home.settings.is_file()]
    if not found:
        looked = " and ".join(str(home.resources) for home in known)
        raise RheostatError(
            "no-host",
            f"There is no Krita ({looked}).",
            "Start Krita once, or name its resource folder with --profile.",
        )
    return found


def install(home: Home, files: Files) -> Path:
    """Put `files` (`contents("krita")`) where Krita finds them, and switch the plug-in on.

    Returns the plug-in's folder. Raises RheostatError `unwritable`, and leaves what was there.
    """
    put(home.folder, _inner(files), home.resources)
    try:
        (home.resources / "pykrita" / DESKTOP).write_bytes(files[DESKTOP])
        _switch(home.settings, on=True)
    except OSError as error:
        raise RheostatError(
            "unwritable",
            f"Krita cannot be told of the plug-in: {error}.",
            "Close Krita and install again, or switch it on in Krita's settings.",
        ) from error
    return home.folder


def is_current(home: Home, files: Files) -> bool:
    """Whether exactly `files` are installed."""
    return tree(home.folder) == _inner(files)


def uninstall(home: Home) -> Path | None:
    """Remove the plug-in; the folder that was removed, or None if it is not installed.

    Raises RheostatError `unwritable`; what was left is removed the next time.
    """
    if not os.path.lexists(home.folder):
        return None
    check_ours(home.folder)
    try:
        if home.settings.is_file():
            _switch(home.settings, on=False)
        (home.resources / "pykrita" / DESKTOP).unlink(missing_ok=True)
        remove(home.folder)  # last, since it is what tells that there is something to remove
    except OSError as error:
        raise RheostatError(
            "unwritable",
            f"The plug-in cannot be removed: {error}.",
            "Close Krita and uninstall again.",
        ) from error
    return home.folder


def pack(path: Path, files: Files) -> None:
    """Write `files` as an archive that Krita imports.

    Raises RheostatError `unwritable`, also if there is a file at `path`.
    """
    if path.exists():
        raise RheostatError("unwritable", f"{path} exists.", "Name another file, or remove it.")
    try:
        with _draft(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir(NAME)  # Krita looks for it
            for name, data in files.items():
                archive.writestr(name if name == DESKTOP else f"{NAME}/{name}", data)
    except OSError as error:
        raise RheostatError(
            "unwritable", f"{path} cannot be written: {error.strerror}.", "Name another file."
        ) from error


def _inner(files: Files) -> Files:
    """What goes into the plug-in's folder, and not beside it."""
    return {name: data for name, data in files.items() if name != DESKTOP}


def _homes() -> Iterator[Home]:
    user = Path.home()
    if sys.platform == "win32":
        roaming = Path(os.environ.get("APPDATA", user / "AppData" / "Roaming"))
        local = Path(os.environ.get("LOCALAPPDATA", user / "AppData" / "Local"))
        yield Home(roaming / "krita", local / "kritarc")
        return
    if sys.platform == "darwin":
        library = user / "Library"
        yield Home(library / "Application Support" / "krita", library / "Preferences" / "kritarc")
        return
    data = Path(os.environ.get("XDG_DATA_HOME") or user / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or user / ".config")
    yield Home(data / "krita", config / "kritarc")  # AppImages use the same
    sandbox = user / ".var" / "app" / "org.kde.krita"
    yield Home(sandbox / "data" / "krita", sandbox / "config" / "kritarc")


def _switch(settings: Path, on: bool) -> None:
    """Set `enable_rheostat` in the section `[python]`; all other lines stay as they are."""
    text = settings.read_text("utf-8") if settings.is_file() else ""
    text = re.sub(rf"(?m)^enable_{NAME}=.*\n?", "", text)
    if on:
        if not re.search(r"(?m)^\[python\]$", text):
            text = f"{text.rstrip()}\n\n[python]\n".lstrip()
        text = re.sub(r"(?m)^\[python\]$", f"[python]\nenable_{NAME}=true", text, count=1)
    settings.parent.mkdir(parents=True, exist_ok=True)
    with _draft(settings) as draft:
        draft.write_text(text, "utf-8")


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` in one step; OSError leaves what was there."""
    place = path.resolve()  # what a link leads to, not the link, is replaced
    draft = place.with_name(f".{NAME}-{secrets.token_hex(4)}")
    try:
        yield draft
        if place.exists():
            shutil.copymode(place, draft)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
