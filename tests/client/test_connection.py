"""What every client may rely on: over both transports, at a scripted daemon and at the real one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import peer
from client.peer import Box, crop
from packages import write_package
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Done, Error, Progress, Render, Tile
from rheostat_client.models import ModelInfo
from rheostat_client.pixels import content_hash
from rheostat_client.rendezvous import is_claimed
from rheostat_client.settings import Settings
from rheostat_client.uploads import PART

STARTS = {
    "scripted": [sys.executable, str(Path(peer.__file__))],
    "daemon": [sys.executable, "-m", "rheostatd", "serve"],
}
FORM, WIDTH, HEIGHT = "rgb8", 61, 43
PICTURE = bytes(n * 7 % 251 for n in range(3 * WIDTH * HEIGHT))
LARGE = (bytes(3 * 2048 * 2048), FORM, 2048, 2048)  # with the model `slow`, seconds of work

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(scope="module", params=list(STARTS))
def start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The command that starts a daemon with the models `tiny` and `slow`."""
    models = tmp_path_factory.mktemp("models")
    write_package(models, "tiny")
    write_package(models, "slow", width=32, blocks=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHEOSTAT_RUNTIME_DIR", str(tmp_path_factory.mktemp("run", numbered=True)))
        patch.setenv("RHEOSTAT_MODELS", str(models))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RHEOSTAT_LOG", raising=False)
        yield STARTS[request.param]
        with Connection.open(STARTS[request.param]) as last:
            last.shutdown()


@pytest.fixture
def connection(start: list[str]) -> Iterator[Connection]:
    with Connection.open(start, name="test") as connection:
        yield connection


@pytest.fixture
def tiny(connection: Connection) -> ModelInfo:
    return next(model for model in connection.models() if model.id == "tiny")


def off(model: ModelInfo) -> dict[str, float]:
    """Control values at which the picture stays as it is."""
    return {control.id: control.off for control in model.controls if control.off is not None}


def refusal(call: Callable[..., Any], *args: Any, **options: Any) -> RheostatError:
    with pytest.raises(RheostatError) as refused:
        call(*args, **options)
    return refused.value


def test_the_daemon_says_who_it_is(connection: Connection) -> None:
    welcome, pong = connection.welcome, connection.ping()
    assert welcome.pid != os.getpid()
    assert welcome.instance == pong.instance
    assert welcome.device
    assert isinstance(connection.status(), dict)
    assert {model.id for model in connection.models()} >= {"tiny", "slow"}


def test_a_picture_comes_back_filtered_with_the_record_of_it(
    connection: Connection, tiny: ModelInfo
) -> None:
    seen: list[tuple[int, int, str]] = []
    result = connection.filter(
        PICTURE, FORM, WIDTH, HEIGHT, "tiny", {}, on_progress=lambda *now: seen.append(now)
    )
    assert (result.x, result.y, result.width, result.height) == (0, 0, WIDTH, HEIGHT)
    assert (result.format, len(result.pixels)) == (FORM, len(PICTURE))
    assert result.pixels != PICTURE
    record = Settings.from_json(result.settings)
    assert record.model == "tiny"
    assert record.controls == {control.id: control.default for control in tiny.controls}
    assert seen[-1][:2] == (WIDTH * HEIGHT, WIDTH * HEIGHT)
    for state in {state for _, _, state in seen}:
        done = [done for done, _, now in seen if now == state]
        assert done == sorted(done)


def test_off_is_the_input_bit_for_bit(connection: Connection, tiny: ModelInfo) -> None:
    result = connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", off(tiny))
    assert result.pixels == PICTURE


@pytest.mark.parametrize("region", [(0, 0, WIDTH, HEIGHT), (20, 11, 1, 1), (3, 5, 58, 38)])
def test_a_region_is_that_part_of_the_whole(connection: Connection, region: Box) -> None:
    whole = connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", {})
    part = connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", {}, region=region)
    assert (part.x, part.y, part.width, part.height) == region
    assert Settings.from_json(part.settings).region == region
    expected = crop(whole.pixels, FORM, WIDTH, region)
    assert max(abs(a - b) for a, b in zip(part.pixels, expected, strict=True)) <= 1


def test_a_picture_of_many_messages_arrives_whole(connection: Connection, tiny: ModelInfo) -> None:
    side = 2500
    picture = os.urandom(3 * side) * side
    assert 2 * PART < len(picture) < 3 * PART
    sent: list[int] = []

    def note(done: int, total: int, state: str) -> None:
        assert (total, state) == (len(picture), "uploading")
        sent.append(done)

    hash = connection.upload(picture, FORM, side, side, on_progress=note)
    assert hash == content_hash(picture, FORM, side, side)
    assert sent == [PART, 2 * PART, len(picture)]
    connection.upload(picture, FORM, side, side, on_progress=note)
    assert len(sent) == 3  # the second time nothing travels
    result = connection.render(hash, "tiny", off(tiny), region=(0, side - 300, side, 300))
    assert result.pixels == picture[-3 * side * 300 :]


def test_what_cannot_be_done_is_refused_and_the_next_thing_works(
    connection: Connection, tiny: ModelInfo
) -> None:
    hash = connection.upload(PICTURE, FORM, WIDTH, HEIGHT)
    unknown = refusal(connection.render, hash, "tniy", {})
    assert (unknown.code, unknown.remedy) == ("unknown-model", "Did you mean tiny?")
    assert refusal(connection.render, hash, "tiny", {"x": 1.0}).code == "unknown-control"
    control = tiny.controls[0]
    too_much = {control.id: control.hard[1] + 1}
    assert refusal(connection.render, hash, "tiny", too_much).code == "bad-value"
    not_a_number = {control.id: float("nan")}
    assert refusal(connection.render, hash, "tiny", not_a_number).code == "bad-value"
    assert refusal(connection.render, hash, "tiny", {control.id: "much"}).code == "bad-value"
    assert refusal(connection.render, hash, "tiny", {}, purpose="fun").code == "bad-value"
    assert refusal(connection.render, "0" * 32, "tiny", {}).code == "unknown-pixels"
    for region in [(0, 0, WIDTH + 1, 1), (-1, 0, 2, 2), (0, 0, 0, 1), (9, HEIGHT, 1, 1)]:
        assert refusal(connection.render, hash, "tiny", {}, region=region).code == "bad-value"
    assert connection.render(hash, "tiny", off(tiny)).pixels == PICTURE


@pytest.mark.parametrize(
    ("form", "width", "height", "code"),
    [
        ("rgb9", WIDTH, HEIGHT, "bad-format"),
        ("rgb8", WIDTH, HEIGHT + 1, "bad-picture"),
        ("rgb8", 0, 0, "bad-picture"),
        ("gray8", len(PICTURE), 1, "stored"),
        ("gray8", 1, len(PICTURE), "stored"),
    ],
)
def test_bytes_that_are_not_that_picture_are_refused(
    connection: Connection, form: str, width: int, height: int, code: str
) -> None:
    if code == "stored":
        assert connection.upload(PICTURE, form, width, height)
    else:
        assert refusal(connection.upload, PICTURE, form, width, height).code == code


@pytest.mark.parametrize(("width", "height"), [(70_000, 1), (1, 70_000)])
def test_a_side_too_long_is_refused_with_the_limit(
    connection: Connection, width: int, height: int
) -> None:
    refused = refusal(connection.upload, bytes(70_000), "gray8", width, height)
    assert refused.code == "bad-value"
    assert "is 70000; allowed is 1 to 65535" in refused.message


def test_a_render_is_cancelled_when_the_user_wants_it(
    connection: Connection, tiny: ModelInfo
) -> None:
    started: list[bool] = []

    def note(_done: int, _total: int, state: str) -> None:
        started.append(state == "rendering")

    def stop() -> bool:
        return any(started)

    cancelled = refusal(
        connection.filter,
        *(*LARGE, "slow", {}),
        on_progress=note,
        should_cancel=stop,
    )
    assert cancelled.code == "cancelled"
    assert connection.ping().running in (0, 1)  # its last tile may still be under way
    assert connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", off(tiny)).pixels == PICTURE


def test_a_program_that_fails_in_between_cancels_its_render(connection: Connection) -> None:
    def fail(_done: int, _total: int, state: str) -> None:
        if state != "uploading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connection.filter(bytes(3 * 1024 * 1024), FORM, 1024, 1024, "slow", {}, on_progress=fail)
    result = connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", {})  # not held up for long
    assert len(result.pixels) == len(PICTURE)


def test_an_unknown_job_cannot_be_cancelled(connection: Connection) -> None:
    assert connection.cancel("nobody") is False


def test_submitted_renders_are_answered_while_others_are_asked(
    connection: Connection, tiny: ModelInfo
) -> None:
    hash = connection.upload(PICTURE, FORM, WIDTH, HEIGHT)
    jobs = [connection.submit(Render(f"job {n}", "tiny", hash, key=f"{n}")) for n in range(3)]
    whole = connection.render(hash, "tiny", off(tiny))  # its answers come among theirs
    assert whole.pixels == PICTURE
    missing = connection.submit(Render("lost", "missing", hash))
    ends: dict[str, Any] = {}
    areas = dict.fromkeys(jobs, 0)
    while len(ends) < 4:
        answer = connection.receive(60)
        assert answer is not None
        message = answer.message
        assert isinstance(message, (Progress, Tile, Done, Error))
        if isinstance(message, Tile):
            areas[message.job] += message.width * message.height
        if isinstance(message, (Done, Error)):
            ends[message.job] = message
    assert connection.receive(0) is None
    assert set(areas.values()) == {WIDTH * HEIGHT}
    assert all(isinstance(ends[job], Done) for job in jobs)
    assert ends[missing].code == "unknown-model"


def test_a_killed_daemon_is_told_and_replaced(
    connection: Connection, tiny: ModelInfo, start: list[str]
) -> None:
    dead = connection.welcome
    started: list[str] = []

    def kill(_done: int, _total: int, state: str) -> None:
        if state != "uploading" and not started:
            started.append(state)
            os.kill(dead.pid, signal.SIGKILL)

    lost = refusal(connection.filter, *LARGE, "slow", {}, on_progress=kill)
    assert lost.code == "daemon-lost"
    assert str(dead.pid) in lost.message
    assert connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", off(tiny)).pixels == PICTURE
    assert connection.welcome.instance != dead.instance
    with Connection.open(start) as other:
        assert other.welcome.instance == connection.welcome.instance


def test_a_daemon_that_was_stopped_is_gone_and_comes_again(
    connection: Connection, tiny: ModelInfo, start: list[str]
) -> None:
    folder = Path(os.environ["RHEOSTAT_RUNTIME_DIR"])
    hash = connection.upload(PICTURE, FORM, WIDTH, HEIGHT)
    with Connection.open(start) as other:
        other.shutdown()
    assert not is_claimed(folder)
    assert refusal(Connection.open).code == "no-daemon"
    forgotten = refusal(connection.render, hash, "tiny", off(tiny))
    assert forgotten.code == "unknown-pixels"  # asked of a new daemon, started for it
    assert connection.filter(PICTURE, FORM, WIDTH, HEIGHT, "tiny", off(tiny)).pixels == PICTURE


def test_a_closed_connection_is_not_used_any_more(connection: Connection) -> None:
    connection.close()
    assert refusal(connection.models).code == "no-daemon"
