"""A Krita that was never started, as the guide has it: installed, and imported from an archive."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts.rig import Krita
from packages import write_package

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"
NOTHING: dict[str, list[str]] = {"entries": [], "dockers": []}


@pytest.fixture
def krita(tmp_path: Path) -> Krita:
    """Nothing but an empty home."""
    models, home = tmp_path / "models", tmp_path / "home"
    home.mkdir()
    write_package(models, "tiny")
    return Krita(home, models)


def test_the_guide_to_the_letter(krita: Krita, display: str) -> None:
    with pytest.raises(AssertionError, match="Start Krita once"):
        krita.rheostat("install", "krita")
    krita.add_harness()
    assert krita.run("about", display=display) == NOTHING
    assert str(krita.resources / "pykrita" / "rheostat") in krita.rheostat("install", "krita")
    seen = krita.run("guide", display=display, picture=str(COFFEE))
    assert (seen["is hidden"], seen["is shown"], seen["previewed"]) == (True, True, 1)
    noise = seen["values"]["noise"]
    names = [layer["name"] for layer in seen["layers"]]
    assert names == ["Background", f"Tiny · noise {noise:g} · detail 0.3"]
    assert seen["layers"][0]["pixels"] != seen["layers"][1]["pixels"]
    assert str(krita.resources / "pykrita" / "rheostat") in krita.rheostat("uninstall", "krita")
    assert krita.run("about", display=display) == NOTHING
    krita.rheostat("stop")


def test_krita_imports_the_archive(krita: Krita, display: str, tmp_path: Path) -> None:
    archive = tmp_path / "rheostat.zip"
    krita.rheostat("install", "krita", "--zip", str(archive))
    krita.add_harness()
    settings = krita.run(
        "importing", display=display, archive=str(archive), settings=str(krita.settings)
    )
    assert "enable_rheostat=true" in settings
    found = krita.run("about", display=display)
    assert found["dockers"] == ["Rheostat"]
    assert "Tiny…" in found["entries"]
    seen = krita.run("guide", display=display, picture=str(COFFEE))
    assert len(seen["layers"]) == 2
    assert str(krita.resources / "pykrita" / "rheostat") in krita.rheostat("uninstall", "krita")
    krita.rheostat("stop")
