"""A GIMP that was never started, as the guide has it, and in German."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts.rig import Gimp
from packages import write_package

pytestmark = pytest.mark.host


def test_the_guide_to_the_letter(tmp_path: Path) -> None:
    models, home = tmp_path / "models", tmp_path / "home"
    home.mkdir()
    write_package(models, "tiny")
    gimp = Gimp(home, models)
    gimp.environment["LANGUAGE"] = "de"
    with pytest.raises(AssertionError, match="Start GIMP 3 once"):
        gimp.rheostat("install", "gimp")
    assert gimp.run("about") == {"has rheostat": False}
    assert str(gimp.plug_in) in gimp.rheostat("install", "gimp")
    assert gimp.run("about") == {"has rheostat": True}
    assert gimp.run("entry", model="retune")["label"] == "Ebene _nachregeln …"
    picture = Path(__file__).parent / "coffee.png"
    result, source = gimp.run("filter", picture=str(picture), noise=30)["after"]
    assert result["name"] == "Tiny · noise 30 · detail 0.3"
    assert result["pixels"] != source["pixels"]
    gimp.rheostat("uninstall", "gimp")
    assert gimp.run("about") == {"has rheostat": False}
    gimp.rheostat("stop")
