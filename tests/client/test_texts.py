"""Texts are shown in the user's language; every catalog is complete."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
import texts as tool
from rheostat_client import texts
from rheostat_client.channel import mute
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.exchange import cancelled
from rheostat_client.models import ModelInfo
from rheostat_client.presets import Presets
from rheostatd.installation import contents

CATALOGS = sorted(tool.LOCALE.glob("*.po"))
CONTROL = Control("noise", "Noise", "", "px", (0, 75), (0, 50), (0, 50), 25, ends=("smooth", ""))
MODEL = ModelInfo("denoise", "Denoise", "", "1", "0", (CONTROL,))


def test_what_black_does_is_said_of_each_control() -> None:
    assert "black leaves the picture alone" in texts.painting(replace(CONTROL, off=0.0))
    assert "black has 0," in texts.painting(CONTROL)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """The folder of catalogs as `rheostat install` writes it; afterwards all speaks English."""
    files, _ = contents()
    for name, data in files.items():
        if name.startswith("rheostat_client/"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    yield tmp_path / "rheostat_client" / "locale"
    texts.use([])


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_every_text_is_translated_and_no_other(path: Path) -> None:
    catalog = tool.updated(path)
    assert tool.untranslated(catalog) == []
    assert path.read_bytes() == tool.written(catalog), "run tools/texts.py"


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_translation_names_the_same_values(path: Path) -> None:
    for message in tool.updated(path):
        if message.id and '{"' not in message.id:  # JSON is shown, not filled in
            assert fields(str(message.string)) == fields(str(message.id)), message.id


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(
    ("languages", "word"),
    [
        (["de"], "Abbrechen"),
        (["pt-BR", "fr-FR", "de"], "Annuler"),
        (["pt-BR"], "Cancel"),
        ([], "Cancel"),
    ],
)
def test_the_first_language_there_is_wins(installed: Path, languages: list[str], word: str) -> None:
    texts.use(languages, installed)
    assert texts._("_Cancel") == f"_{word}"
    assert texts._("") == ""


def test_a_model_speaks_too(installed: Path) -> None:
    texts.use(["de"], installed)
    model = texts.localized(MODEL)
    assert (model.name, model.controls[0].label) == ("Entrauschen", "Rauschen")
    assert model.controls[0].ends == ("glatt", "")
    assert (model.id, model.controls[0].id) == (MODEL.id, CONTROL.id)


def test_errors_speak_too(installed: Path) -> None:
    texts.use(["de"], installed)
    assert str(cancelled()) == "Der Filter wurde abgebrochen."
    assert mute(7, 2.5).message == "Der Dienst (Prozess 7) hat seit 2.5 s nicht geantwortet."
    with pytest.raises(RheostatError, match="Es gibt keine Voreinstellung „Abend“"):
        Presets("denoise", [CONTROL]).values("Abend")


def test_a_slider_explains_itself() -> None:
    noise = Control(
        "noise", "Noise", "More is smoother.", "px", (0, 75), (0, 50), (5, 50), 25, off=0
    )
    lines = ["More is smoother.", "Unit: px", "Off at 0", "Trained from 5 to 50"]
    assert texts.explanation(noise).splitlines() == lines


def test_the_environment_chooses(installed: Path) -> None:
    code = "from rheostat_client.texts import _; print(_('Presets…'))"
    words = {**os.environ, "LANGUAGE": "de_AT", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
    out = subprocess.check_output(
        [sys.executable, "-c", code], cwd=installed.parents[1], env=words, encoding="utf-8"
    )
    assert out.strip() == "Voreinstellungen …"
