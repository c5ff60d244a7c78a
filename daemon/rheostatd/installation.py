"""Installation: the plug-ins, with all that the hosts' own Pythons do not have.

A plug-in folder holds the plug-in, rheostat_client and the pure-Python part of msgpack beside it
(the compiled part would fit one Python only), `models.json` for menu entries while no daemon runs,
and `installation.json`, which says how to start the daemon.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from io import BytesIO
from pathlib import Path, PurePosixPath

import msgpack
import rheostat_client
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from rheostat_client.errors import RheostatError
from rheostat_client.texts import DOMAIN

START = [sys.executable, "-m", "rheostatd", "serve"]  # the words that start the daemon

NAME = "rheostat"  # of the plug-in's folder, and of the file in it that GIMP runs
_MARK = "installation.json"  # what tells our folder from another plug-in of the same name
_NEVER = datetime.fromtimestamp(0, UTC)
_MSGPACK = ("__init__.py", "exceptions.py", "ext.py", "fallback.py")

Files = Mapping[str, bytes]  # by path in the plug-in's folder, with slashes


def find_profiles() -> list[Path]:
    """The profile folders of every GIMP 3 that was ever started here."""
    given = os.environ.get("GIMP3_DIRECTORY")
    if given:
        return [Path(given)]
    return [p for base in _profile_bases() for p in sorted(base.glob("3.*")) if p.is_dir()]


def gimp_profiles(given: Path | None = None) -> list[Path]:
    """`given`, or every profile there is; RheostatError `no-host` if there is none."""
    profiles = [given] if given else find_profiles()
    if not profiles:
        looked = " and ".join(str(base / "3.*") for base in _profile_bases())
        raise RheostatError(
            "no-host",
            f"There is no profile of GIMP 3 ({looked}).",
            "Start GIMP 3 once, or name its profile folder with --profile.",
        )
    return profiles


def sandbox(place: Path) -> str:
    """The Flatpak application whose files `place` is among (org.gimp.GIMP), or nothing."""
    parts = place.parts
    inside = [parts[i + 2] for i in range(len(parts) - 2) if parts[i : i + 2] == (".var", "app")]
    return inside[0] if inside else ""


def permission(app: str) -> str:
    """The command that lets a Flatpak application start the daemon, and reach it."""
    allowed = "--talk-name=org.freedesktop.Flatpak --filesystem=xdg-run/rheostat:create"
    return f"flatpak override --user {allowed} {app}"


def contents(host: str = "gimp") -> tuple[Files, tuple[str, ...]]:
    """The files of the plug-in's folder, and a sentence for each model that is left out.

    `host` is gimp or krita.
    """
    from rheostat.package import find_packages, read_package

    models, warnings = [], []
    for folder in find_packages().values():
        try:
            models.append(read_package(folder).info.to_dict())
        except RheostatError as error:
            warnings.append(str(error))
    installation = {"version": metadata.version("rheostat"), "start": START}
    files = {
        **tree(_plug_in(host)),
        **dict(_client()),
        **dict(_msgpack()),
        "models.json": _json(models),
        _MARK: _json(installation),
    }
    return files, tuple(warnings)


def plug_in(profile: Path) -> Path:
    """Where the plug-in's folder is, or would be."""
    return profile / "plug-ins" / NAME


def is_current(profile: Path, files: Files) -> bool:
    """Whether exactly `files` are installed in `profile`, and GIMP would run them."""
    folder = plug_in(profile)
    main = folder / f"{NAME}.py"
    return tree(folder) == files and (os.access(main, os.X_OK) or sys.platform == "win32")


def install(profile: Path, files: Files) -> Path:
    """Put `files` into `profile`, in one step, in the place of an older installation.

    Returns the plug-in's folder. Raises RheostatError `unwritable`, and leaves what was there.
    """
    place = plug_in(profile)
    put(place, files, profile, f"{NAME}.py")
    if not is_current(profile, files):
        raise RheostatError(
            "unwritable", f"What is in {place} is not what was written.", "Install again."
        )
    return place


def put(place: Path, files: Files, beside: Path, executable: str = "") -> None:
    """Make `place` a folder of `files`, in one step; drafts are made in the folder `beside`.

    Raises RheostatError `unwritable`, and leaves what was there.
    """
    check_ours(place)
    draft = beside / f".{NAME}-{secrets.token_hex(4)}"  # not where a host looks for plug-ins
    old = draft.with_suffix(".old")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(data)
        if executable:
            (draft / executable).chmod(0o755)
        if os.path.lexists(place):
            place.rename(old)
        try:
            draft.rename(place)
        except OSError:
            if os.path.lexists(old):
                old.rename(place)
            raise
    except OSError as error:
        raise RheostatError(
            "unwritable",
            f"The plug-in cannot be put into {place}: {error.strerror}.",
            "Name another profile folder with --profile.",
        ) from error
    finally:
        remove(draft)
        remove(old)


def uninstall(profile: Path) -> Path | None:
    """Remove the plug-in; the folder that was removed, or None if it is not installed.

    Raises RheostatError `unwritable`.
    """
    place = plug_in(profile)
    if not os.path.lexists(place):
        return None
    check_ours(place)
    try:
        remove(place)
    except OSError as error:
        raise RheostatError(
            "unwritable",
            f"The plug-in cannot be removed: {error}.",
            "Close GIMP and uninstall again.",
        ) from error
    return place


def _profile_bases() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "GIMP"]
    if sys.platform == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [config / "GIMP", home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP"]


def _plug_in(host: str) -> Path:
    """A plug-in's own files: inside this package when installed, beside it in a checkout."""
    inside = Path(__file__).parent / "plugins"
    outside = Path(__file__).parents[2] / "plugins"
    return (inside if inside.is_dir() else outside) / host / NAME


def _client() -> Iterator[tuple[str, bytes]]:
    """The client library, with its catalogs as Python's gettext reads them."""
    for name, data in tree(Path(rheostat_client.__file__).parent).items():
        path = PurePosixPath(name)
        if path.suffix == ".po":
            compiled, catalog = BytesIO(), read_po(BytesIO(data), locale=path.stem)
            catalog.creation_date = _NEVER  # or the files would differ from one minute to the next
            write_mo(compiled, catalog)
            name = f"{path.parent}/{path.stem}/LC_MESSAGES/{DOMAIN}.mo"
            data = compiled.getvalue()
        yield f"rheostat_client/{name}", data


def _msgpack() -> Iterator[tuple[str, bytes]]:
    folder = Path(msgpack.__file__).parent
    for name in _MSGPACK:
        yield f"msgpack/{name}", (folder / name).read_bytes()
    for file in metadata.files("msgpack") or []:
        if file.name == "COPYING":  # its licence goes where it goes
            yield "msgpack/COPYING", file.read_binary()


def tree(folder: Path, prefix: str = "") -> dict[str, bytes]:
    """Every file in a folder by its path there."""
    paths = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {prefix + p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(paths)}


def check_ours(place: Path) -> None:
    """RheostatError `unwritable` if something else stands at `place`."""
    if os.path.lexists(place) and not place.is_symlink() and not (place / _MARK).is_file():
        raise RheostatError(
            "unwritable",
            f"{place} is there already, and is not an installation of Rheostat.",
            "Move it away.",
        )


def remove(place: Path) -> None:
    """Take a folder, or a link to one, away.

    Its mark goes last, so that what could not be removed is still known as ours.
    """
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        for inner in place.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner)
            elif inner.name != _MARK:
                inner.unlink()
        shutil.rmtree(place)


def _json(data: object) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()
