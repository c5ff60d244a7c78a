"""The other commands: daemon, models, doctor, and what they say when something is wrong."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cli.conftest import Command
from packages import write_package
from rheostat_client import rendezvous
from rheostat_client.models import ModelInfo


def findings(command: Command) -> dict[str, dict[str, str]]:
    """What doctor finds, by subject."""
    code, out, _ = command.run("doctor", "--json")
    found = {finding["subject"]: finding for finding in json.loads(out)}
    assert code == any(finding["state"] == "problem" for finding in found.values())
    return found


def test_models_are_listed_and_broken_ones_named(rheostat: Command) -> None:
    code, out, err = rheostat.run("models", "--json")
    assert code == 0
    models = {model.id: model for model in map(ModelInfo.from_dict, json.loads(out))}
    assert {"tiny", "slow"} <= models.keys()
    assert "damaged" not in models
    assert "warning: The package damaged is damaged" in err
    assert "noise, detail" in rheostat("models")


def test_a_model_is_described(rheostat: Command) -> None:
    shown = ModelInfo.from_dict(rheostat.json("show", "tiny"))
    assert [control.id for control in shown.controls] == ["noise", "detail"]
    said = rheostat("show", "tiny")
    assert shown.digest in said
    assert "0 to 75" in said
    assert "Did you mean tiny?" in rheostat.error("show", "tinny")
    assert "weights.safetensors" in rheostat.error("show", "damaged")


def test_a_picture_without_a_record(rheostat: Command, picture: Path) -> None:
    assert "does not say how it was made" in rheostat.error("show", picture)


def test_daemon_from_start_to_stop(lonely: Command) -> None:
    assert lonely.json("status") == {"pid": None}
    assert "No daemon" in lonely("status")
    assert "No daemon" in lonely("stop")
    lonely("models")
    status = lonely.json("status")
    assert str(status["pid"]) in lonely("status")
    assert str(status["pid"]) in lonely.error("serve")  # one is enough
    assert str(status["pid"]) in lonely("stop")
    assert lonely.json("status") == {"pid": None}


def test_a_daemon_that_cannot_be_spoken_with_is_ended_all_the_same(
    lonely: Command, tmp_path: Path
) -> None:
    with lonely.start("serve") as process:
        while (record := rendezvous.read(tmp_path / "run")) is None:
            time.sleep(0.05)
        rendezvous.write(tmp_path / "run", replace(record, protocol=(0, 0)))
        assert "rheostat stop" in lonely.error("status")
        assert str(process.pid) in lonely("stop")
        assert process.wait(60) == 0


def test_serve_stops_cleanly_with_ctrl_c(lonely: Command) -> None:
    with lonely.start("serve", "--picture-memory", "0.5") as process:
        while lonely.json("status")["pid"] != process.pid:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        assert lonely.json("status")["store"]["budget"] == 2**29
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert lonely.json("status") == {"pid": None}


def test_a_daemon_that_cannot_start_says_why(lonely: Command) -> None:
    lonely.environment["RHEOSTAT_LOG"] = "/nowhere/daemon.log"
    code, _, err = lonely.run("models")
    assert code == 1
    assert err.startswith("error: The daemon cannot be started")
    assert "/nowhere/daemon.log" in err
    assert "Traceback" not in err


def test_doctor_is_content(lonely: Command) -> None:
    found = findings(lonely)
    for subject in ("python", "torch", "runtime", "model tiny", "daemon", "gimp"):
        assert found[subject]["state"] == "ok"


def test_doctor_finds_what_is_wrong(lonely: Command, tmp_path: Path) -> None:
    weights = tmp_path / "models" / "tiny" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b"\0")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    found = findings(lonely)
    assert found["model tiny"]["state"] == "problem"
    assert found["runtime"]["state"] == "problem"
    assert found["gimp"]["state"] == "warning"
    assert all(bool(f["remedy"]) == (f["state"] != "ok") for f in found.values())
    code, out, _ = lonely.run("doctor")
    assert code == 1
    assert "chmod 700" in out


UNREADABLE = Path("/proc/self/mem")  # its start is an input/output error, to root too


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs Linux")
def test_doctor_goes_on_after_a_file_that_cannot_be_read(lonely: Command, tmp_path: Path) -> None:
    profile = tmp_path / ".config" / "GIMP" / "3.0"
    profile.mkdir(parents=True)
    lonely("install", "gimp")
    (profile / "plug-ins" / "rheostat" / "more.py").symlink_to(UNREADABLE)
    found = findings(lonely)
    assert found["gimp"]["state"] == "problem"
    assert "Input/output error" in found["gimp"]["text"]
    assert found["gimp"]["remedy"]
    assert found["krita"]["state"] == "ok"


def test_doctor_notices_an_older_plug_in(lonely: Command, tmp_path: Path) -> None:
    profile = tmp_path / ".config" / "GIMP" / "3.0"
    profile.mkdir(parents=True)
    lonely("install", "gimp")
    assert findings(lonely)["gimp"]["state"] == "ok"
    write_package(tmp_path / "models", "late")
    assert "install gimp" in findings(lonely)["gimp"]["remedy"]


def test_an_open_runtime_folder_is_refused(lonely: Command, tmp_path: Path) -> None:
    (tmp_path / "run").chmod(0o755)
    assert "chmod 700" in lonely.error("models")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fliter"],
        ["filter"],
        ["filter", "tiny"],
        ["filter", "tiny", "in.png", "out.png", "--sett", "noise=1"],
        ["serve", "--picture-memory", "-1"],
        ["train", "recipe.toml"],
        ["install", "photoshop"],
    ],
)
def test_what_is_not_understood_is_exit_code_2(rheostat: Command, words: list[str]) -> None:
    code, out, err = rheostat.run(*words)
    assert code == 2
    assert "Usage" in out + err


def test_help_and_version(rheostat: Command) -> None:
    assert "Exit codes: 0 done" in rheostat("--help")
    assert rheostat("--version").startswith("rheostat 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "nothing.toml", "--data", "HERE", "--minutes", "0"], "nothing.toml"),
        (["evaluate", "tinny", "--data", "HERE"], "Did you mean tiny?"),
        (["evaluate", "tiny", "--data", "nowhere"], "nowhere is no folder"),
        (["evaluate", "tiny", "--data", "HERE", "--backbones", "nowhere"], "squeezenet"),
    ],
)
def test_training_commands_speak_in_sentences(
    lonely: Command, picture: Path, words: list[str], message: str
) -> None:
    here = str(picture.parent)
    assert message in lonely.error(*(here if word == "HERE" else word for word in words))
