"""`rheostat show` of a Krita file: the layers that are still there, and how they were made."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from cli.conftest import Command
from rheostat_client.settings import Settings

FIRST = Settings("tiny", "1", "ab" * 32, {"noise": 24.0}, source={"name": "Background"})
GONE = Settings("tiny", "1", "ab" * 32, {"noise": 99.0})
LAYERS = '<layer name="Tiny · noise 24" uuid="{1}"/><layer name="Background" uuid="{2}"/>'


def document(path: Path, records: str, layers: str = LAYERS) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("maindoc.xml", f'<DOC xmlns="krita"><layers>{layers}</layers></DOC>')
        file.writestr("Unnamed/annotations/rheostat-settings", records)
    return path


def test_layers_say_how_they_were_made(rheostat: Command, tmp_path: Path) -> None:
    records = json.dumps({"{1}": FIRST.to_json(), "{3}": GONE.to_json()})
    path = document(tmp_path / "a.kra", records)
    assert rheostat("show", path, "--json").strip() == FIRST.to_json()
    said = rheostat("show", path)
    assert "Tiny · noise 24:" in said
    assert "noise 24" in said
    assert "From name Background" in said
    assert "99" not in said


@pytest.mark.parametrize(
    ("records", "layers", "words"),
    [
        ("{}", LAYERS, "does not say"),
        ("{", LAYERS, "damaged"),
        ("[]", LAYERS, "damaged"),
        ("[" * 100_000, LAYERS, "damaged"),
        ("{}", "<layer>", "damaged"),
        ('{"{1}": "{}"}', LAYERS, "settings record cannot be read"),
    ],
)
def test_what_is_damaged_is_said(
    rheostat: Command, tmp_path: Path, records: str, layers: str, words: str
) -> None:
    assert words in rheostat.error("show", document(tmp_path / "a.kra", records, layers))


ENCRYPTED, UNKNOWN = (6, 1), (8, 99)  # where a part's header is changed, and to what


@pytest.mark.parametrize("change", [ENCRYPTED, UNKNOWN])
def test_parts_that_cannot_be_unpacked(
    rheostat: Command, tmp_path: Path, change: tuple[int, int]
) -> None:
    path = document(tmp_path / "a.kra", "{}")
    data = bytearray(path.read_bytes())
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):  # before the parts, and in the list
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            data[at + shift + change[0]] = change[1]
    path.write_bytes(data)
    assert "damaged" in rheostat.error("show", path)


def test_damaged_compression(rheostat: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.kra"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("maindoc.xml", f"<DOC>{LAYERS * 50}</DOC>")
    data = bytearray(path.read_bytes())
    at = data.index(b"maindoc.xml") + len("maindoc.xml")
    data[at : at + 20] = b"\xff" * 20
    path.write_bytes(data)
    assert "damaged" in rheostat.error("show", path)
