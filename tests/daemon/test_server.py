"""What a client can ask of the daemon, over its real sockets."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from daemon.conftest import Daemon, Door
from daemon.visitor import Visitor, photo
from packages import PackageMaker, random_denoiser, write_upscaler
from prometheus_client.parser import text_string_to_metric_families
from rheostat.package import WEIGHTS, read_package
from rheostat_client.connection import Connection
from rheostat_client.messages import (
    CHUNK,
    MAX_FRAMES,
    Cancel,
    Cancelled,
    Done,
    Error,
    Estimate,
    GetStatus,
    Goodbye,
    Ping,
    Progress,
    Render,
    Shutdown,
    Stored,
    Tile,
    Upload,
    to_frames,
)
from rheostat_client.models import ModelInfo
from rheostat_client.pixels import content_hash
from rheostat_client.settings import Settings
from rheostatd.raster import Picture
from rheostatd.renderer import Renderer
from rheostatd.server import Server

LONG = photo(1024, 1024, "gray8")  # thousands of tiles: a render that does not end by itself


def test_a_picture_comes_back_filtered_with_a_record_that_repeats_it(
    visitor: Visitor, tiny_package: Path
) -> None:
    picture = photo(37, 53)
    result, done = visitor.render(picture, controls={"noise": 30})
    x = torch.from_numpy(picture.values(picture.box) / np.float32(255)).permute(2, 0, 1)[None]
    x = torch.nn.functional.pad(x, (0, 1, 0, 1), mode="replicate")
    expected = random_denoiser()(x, torch.tensor([[30.0, 0.3]]))[0, :, :53, :37]
    levels = expected.permute(1, 2, 0).numpy().clip(0, 1) * 255
    assert np.abs(result - levels).max() <= 0.51
    record = Settings.from_json(done.settings)
    info = read_package(tiny_package).info
    assert record == Settings("tiny", "1.0.0", info.digest, {"noise": 30.0, "detail": 0.3})
    again, _ = visitor.render(picture, model=record.model, controls=dict(record.controls))
    assert np.array_equal(again, result)


@pytest.mark.parametrize("transport", ["pyzmq", "plain"])
@pytest.mark.parametrize("form", ["rgb8", "graya16", "rgba32f"])
def test_the_client_of_the_hosts_gets_the_same(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, transport: str, form: str
) -> None:
    if transport == "plain":
        monkeypatch.setitem(sys.modules, "rheostat_client.libzmq", None)
    picture = photo(61, 47, form)
    expected, done = visitor.render(picture)
    with Connection.open() as connection:
        rendered = connection.filter(bytes(picture.data), form, 61, 47, "tiny", {})
    assert rendered.pixels == expected.tobytes()
    assert rendered.settings == done.settings


@pytest.mark.parametrize("transport", ["pyzmq", "plain"])
def test_a_large_step_comes_in_messages_that_the_client_takes(
    daemon: Daemon, tiny_package: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    if transport == "plain":
        monkeypatch.setitem(sys.modules, "rheostat_client.libzmq", None)
    write_upscaler(tiny_package.parent, 4)
    renderer, picture = Renderer(torch.device("cpu"), tile=2048), photo(500, 300, "rgba32f")
    daemon(renderers=[renderer])
    with Connection.open() as connection:
        rendered = connection.filter(bytes(picture.data), "rgba32f", 500, 300, "upscaler", {})
    assert len(rendered.pixels) == 16 * len(picture.data) > MAX_FRAMES * CHUNK


def test_a_region_is_that_part_of_the_whole(visitor: Visitor) -> None:
    picture = photo(60, 50, "rgba32f")
    whole, _ = visitor.render(picture)
    part, done = visitor.render(picture, region=(7, 9, 33, 21))
    assert np.abs(part - whole[9:30, 7:40]).max() <= 1e-5
    assert Settings.from_json(done.settings).region == (7, 9, 33, 21)


def test_a_map_is_kept_while_its_job_runs_and_is_in_the_record(visitor: Visitor) -> None:
    picture, paint = photo(40, 30), photo(40, 30, "gray8")
    paper = visitor.upload(paint)
    result, done = visitor.render(picture, controls={"noise": 30}, maps={"noise": paper})
    assert Settings.from_json(done.settings).maps == {"noise": paper}
    plain, _ = visitor.render(picture, controls={"noise": 30})
    assert not np.array_equal(result, plain)


@pytest.mark.parametrize(
    ("name", "paint", "words"),
    [
        ("noise", photo(40, 31, "gray8"), "40 × 31 gray8; the picture is 40 × 30"),
        ("noise", photo(40, 30, "rgb8"), "40 × 30 rgb8"),
        ("loudness", photo(40, 30, "gray8"), "takes no map for 'loudness'"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(
    visitor: Visitor, name: str, paint: Picture, words: str
) -> None:
    maps = {name: visitor.upload(paint)}
    error = visitor.end(visitor.submit(visitor.upload(photo(40, 30)), maps=maps))
    assert isinstance(error, Error)
    assert words in error.message


def test_metrics_count_what_ended_and_how(visitor: Visitor) -> None:
    picture = photo(40, 30)
    visitor.render(picture)
    visitor.render(picture, purpose="preview")
    slow = visitor.submit(visitor.upload(LONG))
    visitor.wait_until(running=1)
    visitor.command(Cancel(slow))
    assert visitor.end(slow).code == "cancelled"
    found = {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(visitor.command(GetStatus(True)).metrics)
        for sample in family.samples
    }
    assert found["rheostat_jobs_total tiny done apply"] == 1
    assert found["rheostat_jobs_total tiny done preview"] == 1
    assert found["rheostat_jobs_total tiny cancelled apply"] == 1
    assert found["rheostat_pixels_total tiny apply"] == 40 * 30
    assert found["rheostat_render_seconds_count tiny apply"] == 1
    assert found["rheostat_bytes pictures"] == visitor.status()["store"]["bytes"]


def test_in_a_long_pause_memory_is_given_back_and_nothing_else_changes(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rheostatd.executor.REST", 0.05)
    picture = photo(40, 30)
    first, _ = visitor.render(picture)
    deadline = time.monotonic() + 30
    while {m["id"]: m["state"] for m in visitor.status()["models"]}["tiny"] != "evicted":
        assert time.monotonic() < deadline
    assert all(cache["bytes"] == 0 for cache in visitor.status()["caches"].values())
    again, _ = visitor.render(picture)
    assert np.array_equal(first, again)


def test_a_value_seen_before_comes_from_the_cache(visitor: Visitor) -> None:
    picture = photo(40, 30)
    first, _ = visitor.render(picture, controls={"noise": 30})
    hits = visitor.status()["caches"]["results"]["hits"]
    again, _ = visitor.render(picture, controls={"noise": 30})
    assert np.array_equal(first, again)
    assert visitor.status()["caches"]["results"]["hits"] > hits


@pytest.mark.parametrize("form", ["gray8", "graya16", "rgba8", "rgb32f"])
def test_off_is_the_input_bit_for_bit(visitor: Visitor, form: str) -> None:
    picture = photo(40, 30, form)
    result, _ = visitor.render(picture, controls={"noise": 0})
    assert result.tobytes() == picture.data
    assert visitor.status()["models"][-1]["state"] == "verified"  # no network was loaded


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_the_smallest_pictures(visitor: Visitor, size: tuple[int, int]) -> None:
    visitor.render(photo(*size))


def test_progress_goes_from_queued_over_loading_to_all_pixels(visitor: Visitor) -> None:
    name = visitor.upload(photo(40, 40))
    messages = [message for message, _ in visitor.answers(visitor.submit(name))]
    progress = [m for m in messages if isinstance(m, Progress)]
    assert [p.state for p in progress[:3]] == ["queued", "loading", "rendering"]
    counts = [p.done for p in progress]
    assert counts == sorted(counts)
    assert (counts[-1], progress[-1].total) == (1600, 1600)
    assert sum(m.width * m.height for m in messages if isinstance(m, Tile)) == 1600
    again = [m for m, _ in visitor.answers(visitor.submit(name))]
    assert "loading" not in [m.state for m in again if isinstance(m, Progress)]


def test_models_are_listed_and_a_new_one_is_found_at_once(
    visitor: Visitor, make_package: PackageMaker, tiny_package: Path
) -> None:
    def listed() -> dict[str, ModelInfo]:
        return {m["id"]: ModelInfo.from_dict(m) for m in visitor.models()}

    assert listed()["tiny"] == read_package(tiny_package).info
    make_package("newcomer", seed=2)
    assert "newcomer" in listed()
    visitor.render(photo(8, 8), model="newcomer")


def test_a_damaged_model_is_refused_and_others_work(
    visitor: Visitor, make_package: PackageMaker
) -> None:
    weights = make_package("broken") / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "broken" not in [model["id"] for model in visitor.models()]
    error = visitor.end(visitor.submit(visitor.upload(photo(8, 8)), "broken"))
    assert (error.code, error.job) == ("damaged-package", "job-1")
    states = {m["id"]: m for m in visitor.status()["models"]}
    assert states["broken"]["state"] == "failed"
    assert WEIGHTS in states["broken"]["reason"]
    visitor.finds_all_well()


def test_an_upload_is_resumed_by_another_program(door: Door) -> None:
    picture = photo(100, 10)
    data = bytes(picture.data)
    upload = Upload(content_hash(data, "rgb8", 100, 10), "rgb8", 100, 10)
    first = door()
    assert first.ask(upload) == Stored(upload.hash, 0, 3000)
    first.ask(upload, [data[:1000]])
    second = door()
    assert second.ask(upload).received == 1000
    rest = Upload(upload.hash, "rgb8", 100, 10, 1000)
    assert second.ask(rest, [data[1000:]]).received == 3000
    assert isinstance(second.end(second.submit(upload.hash)), Done)


def test_a_program_that_goes_away_leaves_its_memory_to_others(daemon: Daemon) -> None:
    server = daemon(picture_memory=10_000)
    with Visitor(server.record) as stays, Visitor(server.record) as goes:
        goes.upload(photo(50, 50))
        refused = stays.ask(Upload("x", "rgb8", 50, 60))
        assert (refused.code, "are in use" in refused.message) == ("busy", True)
        goes.front.close()
        stays.wait_until(sessions=1)
        stays.upload(photo(50, 60))


def test_a_finished_batch_leaves_its_memory_to_others(daemon: Daemon) -> None:
    server = daemon(picture_memory=10_000)
    with Visitor(server.record) as batch, Visitor(server.record) as other:
        for seed in range(3):
            batch.render(photo(50, 30, seed=seed), purpose="batch")
        paint = other.upload(photo(50, 40, "gray8"))
        other.render(photo(50, 40), maps={"noise": paint})


def test_a_refused_job_holds_no_memory_and_loses_none_that_nobody_else_needs(
    daemon: Daemon,
) -> None:
    server = daemon(picture_memory=10_000)
    with Visitor(server.record) as visitor, Visitor(server.record) as other:
        name = visitor.upload(photo(50, 50))
        refusals = Render("r", "tiny", name, {"noise": 99.0}), Estimate("e", "tiny", name, "detail")
        for seed, refused in enumerate(refusals):
            visitor.upload(photo(50, 50))
            assert isinstance(visitor.ask(refused), Error)
            assert isinstance(visitor.end(visitor.submit(name)), Done)
            visitor.upload(photo(50, 50))
            assert isinstance(visitor.ask(refused), Error)
            other.upload(photo(50, 60, seed=seed))
            assert isinstance(other.ask(Render("r", "none", "none")), Error)


def test_an_idle_daemon_lets_go_of_all_pictures(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "rheostatd.service")
    for wait in ("server.LOOK", "service.REST"):
        monkeypatch.setattr(f"rheostatd.{wait}", 0.05)
    with Visitor(server.record) as goes:
        goes.render(photo(40, 30))
        goes.ask(Upload("abandoned", "rgb8", 50, 50))
    deadline = time.monotonic() + 30
    while sum(int(getattr(r, "bytes", 0)) for r in caplog.records) < 3 * (40 * 30 + 50 * 50):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # and ask for nothing: it wakes up by itself
    with Visitor(server.record) as comes:
        assert comes.status()["store"]["pictures"] == 0


def test_a_picture_stays_while_a_job_reads_it(daemon: Daemon) -> None:
    server = daemon(picture_memory=len(LONG.data) + 100)
    with Visitor(server.record) as visitor:
        job = visitor.submit(visitor.upload(LONG))
        visitor.hear()
        small = Upload("x", "rgb8", 10, 10)
        visitor.front.send_multipart(to_frames(small))
        while not isinstance(answer := visitor.hear()[0], Error):
            pass
        assert answer.code == "busy"
        visitor.command(Cancel(job))
        assert visitor.end(job).code == "cancelled"
        assert visitor.ask(small) == Stored("x", 0, 300)


def test_cancel_ends_a_running_job_at_its_next_tile(visitor: Visitor) -> None:
    job = visitor.submit(visitor.upload(LONG))
    while not isinstance(visitor.hear()[0], Tile):
        pass
    assert visitor.command(Cancel(job)) == Cancelled(job, True)
    assert visitor.end(job) == Error("cancelled", "The render was cancelled.", job=job)
    assert visitor.command(Cancel(job)) == Cancelled(job, False)
    visitor.wait_until(queued=0, running=0)
    visitor.finds_all_well()


def test_nobody_can_cancel_the_job_of_another(door: Door) -> None:
    owner, other = door(), door()
    job = owner.submit(owner.upload(LONG))
    owner.hear()
    assert other.command(Cancel(job)) == Cancelled(job, False)
    assert owner.command(Cancel(job)) == Cancelled(job, True)


def test_the_newest_preview_of_a_layer_wins(visitor: Visitor) -> None:
    name = visitor.upload(LONG)
    moves = [
        visitor.submit(name, purpose="preview", key="layer 1", controls={"noise": noise})
        for noise in (10, 20, 30)
    ]
    last = visitor.submit(
        name, purpose="preview", key="layer 1", region=(0, 0, 9, 9), controls={"noise": 40}
    )
    ends: dict[str, Any] = {}
    while last not in ends:
        message, _ = visitor.hear()
        if isinstance(message, Done | Error):
            ends[message.job] = message
    assert [ends[job].code for job in moves] == ["overtaken"] * 3
    assert Settings.from_json(ends[last].settings).controls["noise"] == 40


def test_a_preview_does_not_wait_for_an_apply(visitor: Visitor) -> None:
    name = visitor.upload(LONG)
    apply = visitor.submit(name)
    preview = visitor.submit(name, purpose="preview", region=(0, 0, 40, 40))
    assert isinstance(visitor.end(preview), Done)
    assert visitor.status()["jobs"]["running"] == 1
    assert visitor.command(Cancel(apply)).found


def test_the_jobs_of_a_program_that_dies_are_dropped(door: Door) -> None:
    stays, dies = door(), door()
    name = dies.upload(LONG)
    for _ in range(3):
        dies.submit(name)
    stays.wait_until(running=1, queued=2)
    dies.front.close()
    stays.wait_until(running=0, queued=0, sessions=1)
    stays.finds_all_well()


def test_a_program_that_does_not_read_holds_up_nobody(door: Door) -> None:
    stays, sleeps = door(), door(RCVHWM=1)
    job = sleeps.submit(sleeps.upload(photo(512, 256, "rgba32f")))
    stays.wait_until(running=1)
    stays.finds_all_well()
    assert stays.status()["jobs"]["running"] == 1
    assert isinstance(sleeps.end(job), Done)


def test_two_programs_are_served_side_by_side(door: Door) -> None:
    first, second = door(), door()
    one = first.submit(first.upload(photo(64, 64, seed=1)))
    two = second.submit(second.upload(photo(64, 64, seed=2)))
    assert isinstance(second.end(two), Done)
    assert isinstance(first.end(one), Done)


def test_a_render_that_fails_says_where_the_reason_is_and_the_daemon_lives_on(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no memory for this tile")

    name = visitor.upload(photo(20, 20))
    with monkeypatch.context() as patch:
        patch.setattr("rheostatd.renderer.Renderer._packed", fail)
        error = visitor.end(visitor.submit(name))
    assert (error.code, "MemoryError" in error.message) == ("internal", True)
    assert visitor.status()["log"] in error.remedy
    assert [r.job for r in caplog.records if r.msg == "failed"] == ["job-1"]  # type: ignore[attr-defined]
    assert "no memory for this tile" in caplog.text
    visitor.finds_all_well()


def test_ping_and_status_tell_what_goes_on(visitor: Visitor, server: Server) -> None:
    pong = visitor.command(Ping("n1"))
    assert (pong.nonce, pong.instance) == ("n1", server.record.instance)
    assert (pong.queued, pong.running) == (0, 0)
    visitor.render(photo(20, 20))
    report = visitor.status()
    assert report["pid"] == server.record.pid
    assert report["device"] == "CPU (1 thread)"
    assert report["store"]["pictures"] == 1
    assert report["store"]["bytes"] == 1200
    assert [s["client"] for s in report["sessions"]] == ["visitor"]
    tiny = next(m for m in report["models"] if m["id"] == "tiny")
    assert (tiny["state"], tiny["bytes"] > 0) == ("ready", True)


def test_shutdown_says_goodbye_to_everybody(daemon: Daemon) -> None:
    server = daemon()
    with Visitor(server.record) as asks, Visitor(server.record) as other:
        assert isinstance(asks.command(Shutdown()), Goodbye)
        assert isinstance(other.hear()[0], Goodbye)
