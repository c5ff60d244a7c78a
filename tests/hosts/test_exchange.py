"""A layer made by the command line, GIMP or Krita re-opens with the same settings in the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hosts.rig import Gimp, Krita
from hosts.test_krita import COFFEE
from rheostat_client.settings import Settings

pytestmark = pytest.mark.host

BY_COMMAND = {"noise": 24.0, "detail": 0.4}
BY_GIMP = {"noise": 31.0, "detail": 0.7}
BY_KRITA = {"noise": 17.0, "detail": 0.6}
COMMANDS = ("command.png", "command.tif", "command.jpg", "command.webp")


@pytest.fixture(scope="module")
def folder(krita: Krita, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all files; the command line makes the first."""
    folder = tmp_path_factory.mktemp("exchange")
    words = [word for name, value in BY_COMMAND.items() for word in ("--set", f"{name}={value}")]
    for file in COMMANDS:
        krita.rheostat("filter", "tiny", str(COFFEE), str(folder / file), *words)
    return folder


@pytest.fixture(scope="module")
def in_gimp(gimp: Gimp, folder: Path) -> dict[str, Any]:
    files = [str(folder / file) for file in COMMANDS]
    return dict(gimp.run("exchange", files=files, picture=str(COFFEE), folder=str(folder)))


@pytest.fixture(scope="module")
def in_krita(krita: Krita, in_gimp: dict[str, Any], folder: Path, display: str) -> dict[str, Any]:
    assert in_gimp  # it has made files
    files = (*COMMANDS[:3], "gimp.png", "gimp.ora", "gimp.psd")
    return dict(
        krita.run(
            "exchange",
            display=display,
            files=[str(folder / file) for file in files],
            imported=str(folder / "command.png"),
            picture=str(COFFEE),
            png=str(folder / "krita.png"),
            kra=str(folder / "krita.kra"),
            copy=str(folder / "painted.png"),
        )
    )


def controls(record: str) -> dict[str, float]:
    return dict(Settings.from_json(record).controls)


@pytest.mark.parametrize("file", COMMANDS)
def test_gimp_re_tunes_what_the_command_line_made(
    in_gimp: dict[str, Any], folder: Path, file: str
) -> None:
    case = in_gimp[str(folder / file)]
    assert controls(case["made"]["record"]) == BY_COMMAND
    assert len(case["layers"]) == 2  # its source is not there: it was filtered once more


def test_gimp_takes_no_other_picture_for_a_result(in_gimp: dict[str, Any]) -> None:
    assert "is no result of Rheostat" in in_gimp["nothing"]["error"]


def test_a_png_of_gimp_has_the_record_of_its_layer(
    in_gimp: dict[str, Any], gimp: Gimp, folder: Path
) -> None:
    assert gimp.rheostat("show", str(folder / "gimp.png"), "--json").strip() == in_gimp["made"]
    assert controls(in_gimp["made"]) == BY_GIMP


@pytest.mark.parametrize("file", COMMANDS[:3])
def test_krita_opens_what_the_command_line_made(in_krita: dict[str, Any], file: str) -> None:
    words = "Made from 'coffee.png'; Apply filters it once more."
    assert in_krita[file] == {**BY_COMMAND, "words": words}


@pytest.mark.parametrize("how", ["imported", "linked"])
def test_krita_knows_a_layer_from_a_file(in_krita: dict[str, Any], how: str) -> None:
    words = "Made from 'coffee.png'; Apply filters it once more."
    assert in_krita[how] == {**BY_COMMAND, "words": words}


def test_krita_opens_a_png_of_gimp(in_krita: dict[str, Any]) -> None:
    words = "Made from 'gimp.png'; Apply filters it once more."
    assert in_krita["gimp.png"] == {**BY_GIMP, "words": words}


@pytest.mark.parametrize("file", ["gimp.ora", "gimp.psd"])
def test_krita_re_tunes_layers_of_gimp_from_their_source(
    in_krita: dict[str, Any], file: str
) -> None:
    words = "Made from 'Background'; Apply replaces it."
    assert in_krita[file] == {**BY_GIMP, "words": words}


def test_krita_takes_no_other_picture_for_a_result(in_krita: dict[str, Any]) -> None:
    nothing = in_krita["nothing"]
    assert (nothing["noise"], nothing["words"]) == (3.0, "")


def test_krita_files_say_how_they_were_made(
    in_krita: dict[str, Any], krita: Krita, folder: Path
) -> None:
    assert in_krita
    document, png = (
        krita.rheostat("show", str(folder / file), "--json") for file in ("krita.kra", "krita.png")
    )
    assert controls(png) == BY_KRITA
    assert png == document
    with pytest.raises(AssertionError, match="does not say how it was made"):
        krita.rheostat("show", str(folder / "painted.png"))  # a layer lies above the result


def test_gimp_re_tunes_a_png_of_krita(in_krita: dict[str, Any], gimp: Gimp, folder: Path) -> None:
    assert in_krita
    file = str(folder / "krita.png")
    seen = gimp.run("exchange", files=[file], picture=str(COFFEE), folder=str(folder))
    assert controls(seen[file]["made"]["record"]) == BY_KRITA
    assert json.loads(seen[file]["made"]["record"])["source"]["name"] == seen[file]["layers"][1]
