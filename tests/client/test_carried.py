"""Carried: settings come along in a file's XMP, whoever wrote that, and in a layer's name."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client import carried, xmp
from rheostat_client.controls import Control, title
from rheostat_client.models import ModelInfo
from rheostat_client.settings import Settings

RANGE = (0.0, 100.0)
MODEL = ModelInfo(
    "denoise",
    "Denoise",
    "",
    "1",
    "ab" * 32,
    (
        Control("noise", "Noise", "", "", RANGE, RANGE, RANGE, 25.0, step=0.5),
        Control("detail", "Detail", "", "", (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), 0.3),
    ),
)
OTHER = ModelInfo("sharpen", "Sharpen", "", "1", "cd" * 32, MODEL.controls)
RECORD = Settings(
    "denoise", "1", "ab" * 32, {"noise": 25.0}, {"noise": {"name": "Sky"}}, source={"name": "<&'\""}
)
OF_FILE = Settings("denoise", "1", "ab" * 32, {"noise": 25.0}, source={"file": "a.png"})
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40) + carried._END


@given(st.text())
def test_a_packet_gives_back_what_was_put_in_and_is_then_empty(text: str) -> None:
    record = Settings("m", "1", "d", {}, source={"name": text}).to_json()
    assert xmp.split(xmp.join(None, record)) == (None, record)


@pytest.mark.parametrize(
    "packet",
    [
        f'<rdf:Description dc:x="1"\n  rheostat:settings="{escape(RECORD.to_json())}"/>',
        f"<rheostat:settings>{escape(RECORD.to_json())}</rheostat:settings>",
        f"<rdf:Description rheostat:settings='{escape(RECORD.to_json())}'>",
    ],
)
def test_other_programs_may_write_the_packet_anew(packet: str, tmp_path: Path) -> None:
    rest, record = xmp.split(packet.encode())
    assert record == RECORD.to_json()
    assert rest is not None
    assert b"rheostat" not in rest
    file = tmp_path / "a.png"
    file.write_bytes(bytes(1000) + packet.encode() + bytes(10))
    assert carried.read(file) == OF_FILE


@pytest.mark.parametrize("content", [b"", PNG, b'rheostat:settings="{"', b"<rheostat:settings>"])
def test_a_file_without_a_record_has_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert carried.read(tmp_path / "a.png") is None
    assert carried.read(tmp_path / "b.png") is None
    assert carried.read(tmp_path) is None


def test_a_record_is_appended_to_a_whole_png_and_to_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    carried.append(file, RECORD.to_json())
    assert carried.read(file) == OF_FILE
    written = file.read_bytes()
    assert written.startswith(PNG[: -len(carried._END)])
    assert written.endswith(carried._END)
    for other in (PNG[:-1], b"GIF" + PNG, b""):
        file.write_bytes(other)
        carried.append(file, RECORD.to_json())
        assert file.read_bytes() == other


@given(st.floats(0, 100).map(MODEL.controls[0].rounded), st.floats(0, 1).map(lambda v: round(v, 2)))
def test_a_layers_name_says_its_settings(noise: float, detail: float) -> None:
    values = {"noise": noise, "detail": detail}
    found = carried.named(title("Denoise", MODEL.controls, values), [OTHER, MODEL])
    assert found == Settings("denoise", "1", "ab" * 32, values)


@pytest.mark.parametrize(
    ("name", "values"),
    [("Denoise · noise 7", {"noise": 7.0}), ("Denoise · detail 0.8", {"detail": 0.8})],
)
def test_controls_that_a_model_got_after_the_name_are_at_their_defaults(
    name: str, values: dict[str, float]
) -> None:
    found = carried.named(name, [OTHER, MODEL])
    assert found is not None
    assert found.controls == {**{c.id: c.default for c in MODEL.controls}, **values}


@pytest.mark.parametrize(
    "name",
    [
        "Background",
        "",
        "Denoise",
        "Denoise · noise 25 · tone 0",
        "Denoise · noise 25 · detail 0.3 copy",
        "Denoise · detail 0.3 · noise 25",
        "Denoise · noise many · detail 0.3",
        "Blur · noise 25 · detail 0.3",
    ],
)
def test_another_name_says_none(name: str) -> None:
    assert carried.named(name, [MODEL, OTHER]) is None
