"""Installing the plug-in: complete, in one step, and only where it belongs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from cli.conftest import Command
from rheostat_client.errors import RheostatError
from rheostatd.installation import contents, find_profiles, install, is_current, plug_in, uninstall


def test_every_profile_is_found(lonely: Command, tmp_path: Path) -> None:
    native = tmp_path / ".config" / "GIMP" / "3.0"
    flatpak = tmp_path / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP" / "3.2"
    old = tmp_path / ".config" / "GIMP" / "2.10"
    for profile in (native, flatpak, old):
        profile.mkdir(parents=True)
    out = lonely("install", "gimp")
    assert str(plug_in(native)) in out
    assert str(plug_in(flatpak)) in out
    assert out.count("flatpak override --user") == 1
    assert start(native) == [sys.executable, "-m", "rheostatd", "serve"]
    assert start(flatpak) == start(native)
    assert lonely("doctor").count("installed in") == 2
    assert "Filters ▸ Rheostat" in out
    assert not plug_in(old).exists()
    lonely("uninstall", "gimp")
    assert not plug_in(native).exists()
    assert "not installed" in lonely("uninstall", "gimp")


def start(profile: Path) -> list[str]:
    installed = json.loads((plug_in(profile) / "installation.json").read_text())
    return list(installed["start"])


@pytest.mark.parametrize(
    ("platform", "environment", "base"),
    [
        ("linux", {}, ".config/GIMP"),
        ("linux", {}, ".var/app/org.gimp.GIMP/config/GIMP"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/settings"}, "settings/GIMP"),
        ("darwin", {}, "Library/Application Support/GIMP"),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/GIMP"),
        ("win32", {}, "AppData/Roaming/GIMP"),
        ("linux", {"GIMP3_DIRECTORY": "{home}/mine/3.0"}, "mine"),
    ],
)
def test_profiles_are_where_each_system_keeps_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    environment: dict[str, str],
    base: str,
) -> None:
    for name in ("XDG_CONFIG_HOME", "APPDATA", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for version in ("2.10", "3.0"):
        (tmp_path / base / version).mkdir(parents=True)
    assert find_profiles() == [tmp_path / base / "3.0"]


def test_what_cannot_be_installed(lonely: Command, tmp_path: Path) -> None:
    assert "--profile" in lonely.error("install", "gimp")
    (tmp_path / "file").write_text("")
    assert "cannot be put" in lonely.error("install", "gimp", "--profile", tmp_path / "file")


def test_the_folder_runs_on_its_own(lonely: Command, tmp_path: Path) -> None:
    """A Python that has nothing reads the models and knows how to start the daemon."""
    lonely("install", "gimp", "--profile", tmp_path / "profile")
    folder = plug_in(tmp_path / "profile")
    assert os.access(folder / "rheostat.py", os.X_OK)
    assert not list(folder.rglob("*.so")) + list(folder.rglob("__pycache__"))
    code = (
        "import json, msgpack, rheostat_client.connection;"
        "from rheostat_client import installed as installation;"
        "from msgpack.fallback import Packer; assert msgpack.Packer is Packer;"
        "print(json.dumps([[m.id for m in installation.models()], installation.start_command()]))"
    )
    alone = [sys.executable, "-S", "-E", "-c", code]
    models, start = json.loads(subprocess.check_output(alone, cwd=folder, text=True))
    assert "tiny" in models
    assert start == [sys.executable, "-m", "rheostatd", "serve"]


def test_an_update_replaces_everything(tmp_path: Path) -> None:
    files, _ = contents()
    install(tmp_path, files)
    assert is_current(tmp_path, files)
    (plug_in(tmp_path) / "stale.py").write_text("old")
    assert not is_current(tmp_path, files)
    install(tmp_path, files)
    assert is_current(tmp_path, files)
    assert [p.name for p in tmp_path.iterdir()] == ["plug-ins"]
    (plug_in(tmp_path) / "rheostat.py").chmod(0o644)
    assert not is_current(tmp_path, files)


def test_an_hour_later_it_is_still_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, contents()[0])
    hour = timezone(timedelta(hours=1))
    monkeypatch.setattr("babel.messages.catalog.LOCALTZ", hour)  # by which it reads the clock
    assert is_current(tmp_path, contents()[0])


def test_a_link_to_a_checkout_gives_way(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "rheostat.py").write_text("mine")
    profile = tmp_path / "profile"
    plug_in(profile).parent.mkdir(parents=True)
    plug_in(profile).symlink_to(checkout)
    files, _ = contents()
    install(profile, files)
    assert is_current(profile, files)
    assert (checkout / "rheostat.py").read_text() == "mine"


def test_somebody_elses_plug_in_is_not_touched(tmp_path: Path) -> None:
    plug_in(tmp_path).mkdir(parents=True)
    (plug_in(tmp_path) / "rheostat.py").write_text("another")
    files, _ = contents()
    with pytest.raises(RheostatError, match="not an installation of Rheostat"):
        install(tmp_path, files)
    with pytest.raises(RheostatError, match="not an installation of Rheostat"):
        uninstall(tmp_path)
    assert [p.name for p in plug_in(tmp_path).iterdir()] == ["rheostat.py"]


def test_a_failed_install_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = contents()
    install(tmp_path, files)
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if target == plug_in(tmp_path) and path.suffix != ".old":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(RheostatError, match="No space left"):
        install(tmp_path, {**files, "new.py": b""})
    assert is_current(tmp_path, files)
    assert [p.name for p in tmp_path.iterdir()] == ["plug-ins"]


def test_what_cannot_be_removed_is_removed_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = contents()
    install(tmp_path, files)
    with monkeypatch.context() as context:
        context.setattr(os, "rmdir", _refuse)
        with pytest.raises(RheostatError, match="cannot be removed") as caught:
            uninstall(tmp_path)
    assert caught.value.code == "unwritable"
    assert uninstall(tmp_path) == plug_in(tmp_path)
    assert not plug_in(tmp_path).exists()


def _refuse(path: str, **_: object) -> None:
    raise PermissionError(13, "Permission denied", path)
