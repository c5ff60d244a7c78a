"""`rheostat install krita`: files where Krita looks for them, one setting, and out again."""

from __future__ import annotations

import json
import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.conftest import Command
from rheostat_client.errors import RheostatError
from rheostatd.krita import Home, find_homes, uninstall


@pytest.fixture
def resources(lonely: Command, tmp_path: Path) -> Path:
    """The folder of a Krita that was started once; its settings are the user's own."""
    assert lonely
    folder = tmp_path / ".local" / "share" / "krita"
    folder.mkdir(parents=True)
    settings = tmp_path / ".config" / "kritarc"
    settings.parent.mkdir(parents=True)
    settings.write_text("theme=Dark\n\n[python]\nenable_other=true\n\n[View]\nzoom=2\n")
    return folder


def test_krita_finds_plug_in_library_and_models(
    lonely: Command, resources: Path, tmp_path: Path
) -> None:
    said = lonely("install", "krita")
    assert str(resources / "pykrita" / "rheostat") in said
    assert "Settings ▸ Dockers ▸ Rheostat" in said
    folder = resources / "pykrita" / "rheostat"
    assert "X-KDE-Library=rheostat" in (resources / "pykrita" / "rheostat.desktop").read_text()
    for file in ("__init__.py", "docker.py", "rheostat_client/sessions.py", "msgpack/fallback.py"):
        assert (folder / file).is_file()
    assert "tiny" in [m["id"] for m in json.loads((folder / "models.json").read_text())]
    settings = (tmp_path / ".config" / "kritarc").read_text()
    assert settings == (
        "theme=Dark\n\n[python]\nenable_rheostat=true\nenable_other=true\n\n[View]\nzoom=2\n"
    )


def test_installing_twice_is_installing_once(
    lonely: Command, resources: Path, tmp_path: Path
) -> None:
    lonely("install", "krita")
    once = sorted(resources.rglob("*"))
    settings = (tmp_path / ".config" / "kritarc").read_text()
    lonely("install", "krita")
    assert sorted(resources.rglob("*")) == once
    assert (tmp_path / ".config" / "kritarc").read_text() == settings


def test_the_doctor_sees_what_is_there(lonely: Command, resources: Path) -> None:
    assert "Rheostat is not installed" in lonely("doctor")
    lonely("install", "krita")
    assert f"installed in {resources}" in lonely("doctor")
    (resources / "pykrita" / "rheostat" / "models.json").write_text("[]")
    assert "rheostat install krita" in lonely("doctor")


def test_uninstalled_nothing_is_left(lonely: Command, resources: Path, tmp_path: Path) -> None:
    lonely("install", "krita")
    assert "Removed" in lonely("uninstall", "krita")
    assert [path for path in resources.rglob("*") if path.is_file()] == []
    assert "rheostat" not in (tmp_path / ".config" / "kritarc").read_text()
    assert "not installed" in lonely("uninstall", "krita")


@contextmanager
def room_in_files(size: int) -> Iterator[None]:
    """No file can be written beyond `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_empties_no_settings(lonely: Command, resources: Path, tmp_path: Path) -> None:
    lonely("install", "krita")
    settings = tmp_path / ".config" / "kritarc"
    before = settings.read_text()
    with room_in_files(8), pytest.raises(RheostatError, match="cannot be removed") as caught:
        uninstall(Home(resources, settings))
    assert caught.value.code == "unwritable"
    assert settings.read_text() == before
    assert [path.name for path in settings.parent.iterdir()] == ["kritarc"]
    assert "Removed" in lonely("uninstall", "krita")
    assert [path for path in resources.rglob("*") if path.is_file()] == []


def test_settings_keep_their_rights_and_links(
    lonely: Command, resources: Path, tmp_path: Path
) -> None:
    assert resources
    link, real = tmp_path / ".config" / "kritarc", tmp_path / "dotfiles"
    link.rename(real)
    real.chmod(0o600)
    link.symlink_to(real)
    lonely("install", "krita")
    assert link.is_symlink()
    assert "enable_rheostat=true" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("resources")
def test_a_flatpak_needs_a_permission(lonely: Command, tmp_path: Path) -> None:
    assert "flatpak override" not in lonely("install", "krita")
    flatpak = tmp_path / ".var" / "app" / "org.kde.krita" / "data" / "krita"
    flatpak.mkdir(parents=True)
    said = lonely("install", "krita")
    assert str(flatpak / "pykrita" / "rheostat") in said
    assert said.count("flatpak override --user") == 1
    assert "org.kde.krita" in said
    kritarc = tmp_path / ".var" / "app" / "org.kde.krita" / "config" / "kritarc"
    assert "enable_rheostat=true" in kritarc.read_text()


def test_an_archive_has_what_an_installation_has(
    lonely: Command, resources: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rheostat.zip"
    assert "Import Python Plugin from File" in lonely("install", "krita", "--zip", file)
    assert list(resources.iterdir()) == []
    lonely("install", "krita")
    with zipfile.ZipFile(file) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    folder = resources / "pykrita"
    installed = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert packed == {name: path.read_bytes() for name, path in installed.items()}


def test_an_archive_takes_the_place_of_nothing(lonely: Command, tmp_path: Path) -> None:
    missing = tmp_path / "no folder" / "rheostat.zip"
    assert "cannot be written" in lonely.error("install", "krita", "--zip", missing)
    painting = tmp_path / "painting.kra"
    painting.write_text("precious")
    assert f"{painting} exists" in lonely.error("install", "krita", "--zip", painting)
    assert painting.read_text() == "precious"


def test_another_plug_in_of_that_name_is_left_alone(lonely: Command, resources: Path) -> None:
    other = resources / "pykrita" / "rheostat" / "__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("# not ours")
    assert "not an installation of Rheostat" in lonely.error("install", "krita")
    assert other.read_text() == "# not ours"


def test_without_any_krita_it_says_where_it_looked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(RheostatError, match="There is no Krita") as error:
        find_homes()
    assert error.value.code == "no-host"
    assert str(tmp_path / "data" / "krita") in error.value.message
