"""Presets: kept by name, shared as files, and never lost to a damaged one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.presets import MAX_NAME, Presets, presets_folder


def control(id: str, **options: object) -> Control:
    given = {"label": id, "help": id, "unit": "px", "hard": (0.0, 10.0), "soft": (0.0, 10.0)}
    return Control.from_dict({"id": id, "trained": (0.0, 10.0), "default": 1.0, **given, **options})


CONTROLS = (control("noise"), control("detail"))


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets("denoise", CONTROLS, tmp_path / "new" / "folder")


def test_those_of_the_model_come_first_and_stay(tmp_path: Path) -> None:
    shipped = {"Night": {"noise": 9.0}, "Day": {"noise": 2.0}}
    presets = Presets("denoise", CONTROLS, tmp_path, shipped)
    presets.save("dawn", {"noise": 1.0})
    presets.save("Day", {"noise": 3.0})
    assert presets.names() == ["Night", "Day", "dawn"]
    assert presets.values("Day") == {"noise": 3.0}  # the user's own
    presets.delete("Day")
    assert presets.values("Day") == {"noise": 2.0}
    with pytest.raises(RheostatError, match="came with the model"):
        presets.delete("Day")


def test_saved_replaced_and_deleted_by_name(presets: Presets, tmp_path: Path) -> None:
    assert presets.names() == []
    presets.save(" Night sky ", {"noise": 3.5, "detail": 0.2})
    presets.save("dawn", {"noise": 1.0})
    presets.save("Night sky", {"noise": 4.0})
    again = Presets("denoise", CONTROLS, tmp_path / "new" / "folder")
    assert again.names() == ["dawn", "Night sky"]
    assert again.values("Night sky") == {"noise": 4.0}
    again.delete("dawn")
    assert presets.names() == ["Night sky"]
    for call in (again.delete, again.values):
        with pytest.raises(RheostatError, match="'dawn'"):
            call("dawn")


def test_models_have_presets_of_their_own(presets: Presets, tmp_path: Path) -> None:
    presets.save("mine", {"noise": 3.5})
    assert Presets("deblur", CONTROLS, tmp_path / "new" / "folder").names() == []


def test_values_of_controls_that_are_gone_are_left_out(presets: Presets, tmp_path: Path) -> None:
    presets.save("old", {"noise": 3.5, "detail": 1.0})
    newer = Presets("denoise", CONTROLS[:1], tmp_path / "new" / "folder")
    assert newer.values("old") == {"noise": 3.5}


@pytest.mark.parametrize("name", ["", "   ", "x" * (MAX_NAME + 1)])
def test_a_name_must_be_one(presets: Presets, name: str) -> None:
    with pytest.raises(RheostatError, match=f"1 to {MAX_NAME}"):
        presets.save(name, {"noise": 1.0})


def test_values_outside_their_range_are_neither_kept_nor_given(tmp_path: Path) -> None:
    presets = Presets("denoise", CONTROLS, tmp_path)
    with pytest.raises(RheostatError, match="99"):
        presets.save("loud", {"noise": 99.0})
    (tmp_path / "denoise.json").write_text('{"loud": {"noise": 99}}')
    with pytest.raises(RheostatError, match="99"):
        presets.values("loud")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"a": 1}', '{"a": {"noise": "x"}}', '{"a": {"noise": NaN}}', "[" * 9999],
)
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "denoise.json"
    path.write_text(text)
    presets = Presets("denoise", CONTROLS, tmp_path)
    with pytest.raises(RheostatError) as error:
        presets.save("mine", {"noise": 1.0})
    assert str(path) in error.value.message
    assert path.read_text() == text


def test_the_file_is_for_people_too(presets: Presets, tmp_path: Path) -> None:
    presets.save("mine", {"noise": 1.5})
    text = (tmp_path / "new" / "folder" / "denoise.json").read_text()
    assert json.loads(text) == {"mine": {"noise": 1.5}}
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 1


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RheostatError) as error:
        Presets("denoise", CONTROLS, tmp_path / "file" / "folder").save("mine", {"noise": 1.0})
    assert error.value.code in ("unwritable", "bad-settings")


def test_the_users_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RHEOSTAT_PRESETS", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert presets_folder() == tmp_path / "rheostat" / "presets"
    monkeypatch.setenv("RHEOSTAT_PRESETS", str(tmp_path / "here"))
    assert presets_folder() == tmp_path / "here"
