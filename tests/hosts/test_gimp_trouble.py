"""What cannot work is said in a sentence, and the image is as it was."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp

pytestmark = pytest.mark.host


@pytest.fixture
def stopped(gimp: Gimp) -> Gimp:
    """GIMP while no daemon runs."""
    gimp.rheostat("stop")
    return gimp


@pytest.fixture
def start_command(gimp: Gimp) -> Iterator[Any]:
    """`start_command(words)` has the plug-in start the daemon by other words."""
    path = gimp.plug_in / "installation.json"
    text = path.read_text()
    yield lambda words: path.write_text(json.dumps({**json.loads(text), "start": words}))
    path.write_text(text)


@pytest.fixture
def large_picture(picture: Path) -> Path:
    """A picture that keeps the model `tardy` busy for many seconds."""
    pixels = imagecodecs.png_decode(picture.read_bytes())
    picture.write_bytes(imagecodecs.png_encode(np.tile(pixels, (7, 7, 1))))
    return picture


def status(gimp: Gimp) -> dict[str, Any]:
    return dict(json.loads(gimp.rheostat("status", "--json")))


def running(gimp: Gimp) -> int:
    return int(status(gimp).get("jobs", {"running": 0})["running"])


def process_of(script: Path) -> int:
    """The process that runs a script."""
    (found,) = (
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdecimal() and str(script).encode() in (process / "cmdline").read_bytes()
    )
    return found


@contextmanager
def slow_call(gimp: Gimp, picture: Path) -> Iterator[Future[Any]]:
    """A call of the plug-in whose render has begun."""
    with ThreadPoolExecutor() as pool:
        call = pool.submit(gimp.run, "filter", picture=str(picture), model="tardy")
        while not running(gimp):
            assert not call.done(), call.result()
            time.sleep(0.1)
        yield call


def test_a_daemon_is_started_when_there_is_none(stopped: Gimp, picture: Path) -> None:
    assert stopped.run("filter", picture=str(picture))["outcome"]["status"] == "success"
    first = status(stopped)["pid"]
    assert stopped.run("filter", picture=str(picture))["outcome"]["status"] == "success"
    assert status(stopped)["pid"] == first


@pytest.mark.parametrize(
    ("words", "cause"),
    [(["/nowhere/python", "-m", "rheostatd"], "/nowhere/python"), (["false"], "exit status 1")],
)
def test_a_daemon_that_cannot_be_started(
    stopped: Gimp, start_command: Any, picture: Path, words: list[str], cause: str
) -> None:
    start_command(words)
    seen = stopped.run("filter", picture=str(picture))
    assert seen["outcome"]["status"] == "execution-error"
    assert cause in seen["outcome"]["error"]
    assert "rheostat " in seen["outcome"]["error"]  # the command that helps
    assert seen["after"] == seen["before"]


def test_a_daemon_killed_while_it_renders(gimp: Gimp, large_picture: Path) -> None:
    with slow_call(gimp, large_picture) as call:
        pid = status(gimp)["pid"]
        os.kill(pid, signal.SIGKILL)
        seen = call.result()
    assert seen["outcome"]["status"] == "execution-error"
    assert str(pid) in seen["outcome"]["error"]
    assert seen["after"] == seen["before"]
    again = gimp.run("filter", picture=str(large_picture))
    assert again["outcome"]["status"] == "success"


def test_a_call_cancelled_while_the_daemon_renders(gimp: Gimp, large_picture: Path) -> None:
    with slow_call(gimp, large_picture) as call:
        os.kill(process_of(gimp.plug_in / "rheostat.py"), signal.SIGKILL)  # what GIMP's Cancel does
        seen = call.result()
    assert seen["outcome"]["status"] != "success"
    assert seen["after"] == seen["before"]
    while running(gimp):  # the daemon drops what nobody waits for
        time.sleep(0.1)


def test_a_layer_deleted_while_it_is_filtered(
    gimp: Gimp, display: str, large_picture: Path
) -> None:
    seen = gimp.run(
        "deleted",
        display=display,
        picture=str(large_picture),
        key=gimp.shortcut("tardy"),
        model="Tiny",
    )
    assert seen["told"] == seen["deleted"]


def test_what_the_menu_would_not_offer_is_refused(gimp: Gimp, picture: Path) -> None:
    outcomes = gimp.run("refused", picture=str(picture))
    causes = {
        "nothing": "No layer is selected",
        "mask": "is not a layer",
        "group": "'folder' is a layer group",
        "floating": "floating",
        "indexed": "indexed colours",
    }
    assert outcomes.keys() == causes.keys()
    for case, cause in causes.items():
        assert outcomes[case]["status"] == "execution-error"
        assert cause in outcomes[case]["error"]
        assert outcomes[case]["unchanged"]


@pytest.mark.parametrize("noise", [-1, 75.5])
def test_a_value_outside_its_range_is_refused(gimp: Gimp, picture: Path, noise: float) -> None:
    seen = gimp.run("script", picture=str(picture), noise=noise)
    assert seen["status"] != "success"
    assert f"{noise:g}" in seen["error"]
    assert "out of range" in seen["error"]
    assert seen["unchanged"]
