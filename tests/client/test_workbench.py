"""A workbench at a real daemon: what a dialog shows while sliders move and while it renders."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from client.loop import Loop
from client.peer import MODELS, PAUSE, Peer
from packages import write_package, write_upscaler
from rheostat_client.connection import Connection, Rendered
from rheostat_client.messages import Bytes, Cancel, Done, Render, Tile
from rheostat_client.models import ModelInfo
from rheostat_client.previews import Piece
from rheostat_client.workbench import Workbench, middle

START = [sys.executable, "-m", "rheostatd", "serve"]
SIDE = 96
PIXELS = (bytes(n * 7 % 251 for n in range(3 * SIDE * SIDE)), "rgb8", SIDE, SIDE)
BOX = (8, 16, 64, 48)
VALUES = {"noise": 30.0, "detail": 0.5}


class Screen:
    """Notes what it is to show."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.words: list[str] = []
        self.problems: list[str] = []
        self.shares: list[float] = []
        self.results: list[Rendered | None] = []

    def show(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def say(self, words: str, is_problem: bool) -> None:
        (self.problems if is_problem else self.words).append(words)

    def progress(self, share: float) -> None:
        self.shares.append(share)

    def finish(self, result: Rendered | None) -> None:
        self.results.append(result)

    @property
    def shown(self) -> int:
        """Pixels."""
        return sum(piece.width * piece.height for piece in self.pieces)


@pytest.fixture(scope="module", autouse=True)
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    models = tmp_path_factory.mktemp("models")
    write_package(models, "tiny")
    write_package(models, "slow", width=128, blocks=12)
    write_upscaler(models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("RHEOSTAT_MODELS", str(models))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RHEOSTAT_LOG", raising=False)
        yield
        with Connection.open(START) as last:
            last.shutdown()


@pytest.fixture(scope="module")
def models() -> dict[str, ModelInfo]:
    with Connection.open(START) as connection:
        return {model.id: model for model in connection.models()}


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def bench(loop: Loop, screen: Screen, models: dict[str, ModelInfo]) -> Iterator[Workbench]:
    made = Workbench(loop, START, "test", models["tiny"], PIXELS, {}, BOX, screen)
    yield made
    made.close()


def direct(model: str = "tiny") -> Rendered:
    """What a program gets that asks without a workbench."""
    with Connection.open(START) as connection:
        return connection.filter(*PIXELS, model, VALUES, region=BOX)


def test_a_preview_covers_the_box_and_says_how_long_it_took(
    bench: Workbench, loop: Loop, screen: Screen
) -> None:
    bench.preview(VALUES)
    loop.turn_until(lambda: screen.shown == BOX[2] * BOX[3] and screen.words[-1].endswith(" ms"))
    assert screen.words[0] == "The daemon is being reached…"
    assert screen.words[-1].startswith("CPU")
    assert not screen.results
    assert not screen.problems


def test_apply_gives_what_a_render_gives_whatever_was_previewed(
    bench: Workbench, loop: Loop, screen: Screen
) -> None:
    bench.preview({**VALUES, "noise": 5.0})
    bench.apply(VALUES)
    bench.preview({**VALUES, "noise": 6.0})  # waits, and is not asked again
    loop.turn_until(lambda: bool(screen.results))
    (result,), expected = screen.results, direct()
    assert result is not None
    assert result.pixels == expected.pixels
    assert (result.x, result.y, result.width, result.height) == BOX
    assert result.settings == expected.settings
    assert screen.shares[0] == 0.0
    assert not bench.is_applying


def test_stopped_it_says_so_and_goes_on_when_asked(
    loop: Loop, screen: Screen, models: dict[str, ModelInfo]
) -> None:
    bench = Workbench(loop, START, "test", models["slow"], PIXELS, {}, BOX, screen)
    bench.apply(VALUES)
    loop.turn_until(lambda: any(word.startswith("Rendering") for word in screen.words))
    bench.stop()
    assert screen.results == [None]
    assert screen.words[-1] == "The filter was cancelled."
    bench.apply(VALUES)
    loop.turn_until(lambda: len(screen.results) == 2)
    assert screen.results[1] is not None
    assert screen.results[1].pixels == direct("slow").pixels
    bench.close()


def test_a_daemon_that_dies_is_a_problem_and_the_next_apply_works(
    bench: Workbench, loop: Loop, screen: Screen
) -> None:
    bench.preview(VALUES)
    loop.turn_until(lambda: bool(screen.pieces))
    with Connection.open(START) as connection:
        os.kill(connection.welcome.pid, signal.SIGKILL)
    bench.apply(VALUES)
    loop.turn_until(lambda: bool(screen.problems))
    assert screen.results == [None]
    bench.apply(VALUES)
    loop.turn_until(lambda: len(screen.results) == 2)
    assert screen.results[1] is not None


def test_an_enlargement_is_not_previewed(
    loop: Loop, screen: Screen, models: dict[str, ModelInfo]
) -> None:
    bench = Workbench(loop, START, "test", models["upscaler"], PIXELS, {}, BOX, screen)
    bench.preview({})
    bench.apply({})
    loop.turn_until(lambda: bool(screen.results))
    assert screen.pieces == []
    assert screen.results[0] is not None
    box = (screen.results[0].x, screen.results[0].y, screen.results[0].width)
    assert box == tuple(2 * number for number in BOX[:3])
    bench.close()


def test_the_middle_of_a_box() -> None:
    assert middle((10, 20, 1000, 100)) == (254, 20, 512, 100)
    assert middle((3, 4, 5, 6)) == (3, 4, 5, 6)


def test_what_a_control_should_be_is_told_and_an_apply_goes_on_meanwhile(
    loop: Loop, screen: Screen, bench: Workbench
) -> None:
    told: list[float] = []
    bench.estimate("noise", told.append)
    bench.apply(VALUES)
    loop.turn_until(lambda: bool(told) and bool(screen.results))
    assert 0 <= told[0] <= 75
    assert screen.problems == []
    assert screen.results[0] is not None
    bench.estimate("detail", told.append)
    loop.turn_until(lambda: bool(screen.problems))
    assert "no estimate for 'detail'" in screen.problems[0]
    assert len(told) == 1


def test_why_there_is_no_estimate_stays_to_be_read_when_a_preview_ends(
    loop: Loop, screen: Screen, models: dict[str, ModelInfo]
) -> None:
    lace = (bytes((90, 120, 60, 255, 0, 0, 0, 0)) * (SIDE * SIDE // 2), "rgba8", SIDE, SIDE)
    bench = Workbench(loop, START, "test", models["slow"], lace, {}, BOX, screen)
    bench.preview(VALUES)
    bench.estimate("noise", lambda _value: None)
    loop.turn_until(lambda: bool(screen.problems))
    said = len(screen.words)
    loop.turn_until(lambda: screen.shown == BOX[2] * BOX[3] and not bench.is_busy)
    assert "transparent" in screen.problems[0]
    assert screen.words[said:] == []
    bench.preview(VALUES)
    loop.turn_until(lambda: len(screen.words) > said)
    bench.close()


def incomplete(_peer: Peer, render: Render, _: list[Bytes]) -> Iterator[Any]:
    yield Tile(render.job, *BOX[:2], 1, 1, "rgb8"), [bytes(3)]
    yield Done(render.job, "{}", 1.0, "cpu")


def empty(_peer: Peer, render: Render, _: list[Bytes]) -> Iterator[Any]:
    yield Done(render.job, "{}", 1.0, "cpu")


def outside(peer: Peer, render: Render, _: list[Bytes]) -> Iterator[Any]:
    yield Tile(render.job, 0, 0, 1, 1, "rgb8"), [bytes(3)]
    while render.job not in peer.cancelled:
        yield PAUSE


@pytest.mark.parametrize("render", [incomplete, empty, outside])
def test_a_result_that_cannot_be_put_together_is_a_problem_and_the_next_apply_works(
    peer: Peer, loop: Loop, screen: Screen, render: Any
) -> None:
    bench = Workbench(loop, START, "test", MODELS["tiny"], PIXELS, {}, BOX, screen)
    peer.script = {Render: render}
    bench.apply({"amount": 1.0})
    loop.turn_until(lambda: bool(screen.problems))
    assert "cannot be read" in screen.problems[0]
    assert screen.results == [None]
    if render is outside:
        loop.turn_until(lambda: peer.count(Cancel) == 1)
    peer.script = {}
    bench.apply({"amount": 1.0})
    loop.turn_until(lambda: len(screen.results) == 2)
    assert screen.results[1] is not None
    bench.close()
