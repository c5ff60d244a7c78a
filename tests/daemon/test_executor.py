"""The worker: most urgent first, stops at the next step, outlives what goes wrong."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rheostat.package import Package, read_package
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Done, Error, Progress, Render
from rheostat_client.pixels import FORMATS
from rheostatd import executor
from rheostatd.executor import LocalExecutor, Worker
from rheostatd.jobs import Answer, Job, Rendering
from rheostatd.raster import Box, Picture

Work = Callable[[Job], Generator[Answer, None, None]]


def done(job: Job) -> Answer:
    return Answer(Done(job.id, "{}", 0.0, "a test"))


def step(job: Job, number: int) -> Answer:
    return Answer(Progress(job.id, number, 1))


class Bench:
    """A worker on `work`, and what it has told so far."""

    def __init__(
        self, work: Work, package: Package, rest: Callable[[], None] = lambda: None
    ) -> None:
        self.told: list[tuple[str, object]] = []
        self._rung = threading.Event()
        self.ring = self._rung.set
        self._package = package
        self.executor = LocalExecutor([Worker(work, rest)], self._rung.set, "the.log")

    def job(self, name: str, purpose: str = "apply") -> Job:
        request = Render(name, "tiny", "hash", purpose=purpose)
        picture = Picture(FORMATS["gray8"], 1, 1, b"x")
        return Rendering("s", request, picture, self._package, Box(0, 0, 1, 1), {})

    def listen_until(self, name: str, kind: type) -> None:
        """Read events until `name` answers with a `kind`."""
        deadline = time.monotonic() + 60
        while not any(n == name and isinstance(m, kind) for n, m in self.told):
            assert self._rung.wait(deadline - time.monotonic())
            self._rung.clear()
            self.told += [(job.id, answer.message) for job, answer in self.executor.events()]

    def answer(self, name: str) -> object:
        return [message for n, message in self.told if n == name][-1]


@pytest.fixture
def bench(tiny_package: Path) -> Iterator[Callable[[Work], Bench]]:
    benches: list[Bench] = []

    def make(work: Work) -> Bench:
        benches.append(Bench(work, read_package(tiny_package)))
        return benches[-1]

    yield make
    for made in benches:
        made.executor.close()


def steps(job: Job) -> Generator[Answer, None, None]:
    """Three steps and done."""
    for number in range(3):
        yield step(job, number)
    yield done(job)


def endless(job: Job) -> Generator[Answer, None, None]:
    while True:
        yield step(job, 0)


def test_tells_every_answer_in_order(bench: Callable[[Work], Bench]) -> None:
    b = bench(steps)
    b.executor.submit(b.job("a"))
    b.listen_until("a", Done)
    assert [getattr(m, "done", "end") for _, m in b.told] == [0, 1, 2, "end"]


def test_a_more_urgent_job_overtakes_between_two_steps(bench: Callable[[Work], Bench]) -> None:
    b = bench(lambda job: endless(job) if job.id == "long" else steps(job))
    b.executor.submit(b.job("long", "batch"))
    b.executor.submit(b.job("quick", "preview"))
    b.listen_until("quick", Done)
    quick = [i for i, (name, _) in enumerate(b.told) if name == "quick"]
    assert quick == list(range(quick[0], quick[0] + 4))


def test_a_job_that_waits_too_long_gets_a_step(
    bench: Callable[[Work], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "PATIENCE", 0.05)
    b = bench(lambda job: endless(job) if job.id == "drag" else steps(job))
    b.executor.submit(b.job("drag", "preview"))
    b.executor.submit(b.job("folder", "batch"))
    b.listen_until("folder", Done)
    turns = [name for name, _ in b.told]
    assert turns.count("drag") > turns.count("folder")


def test_in_a_long_pause_it_rests_once_and_works_again(
    tiny_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "REST", 0.02)
    rests: queue.Queue[float] = queue.Queue()
    b = Bench(steps, read_package(tiny_package), lambda: rests.put(time.monotonic()))
    try:
        for name in ("first", "second"):
            b.executor.submit(b.job(name))
            b.listen_until(name, Done)
            rests.get(timeout=30)
            with pytest.raises(queue.Empty):
                rests.get(timeout=0.2)
    finally:
        b.executor.close()


def test_a_cancelled_job_ends_with_the_reason_and_is_cleaned_up(
    bench: Callable[[Work], Bench],
) -> None:
    cleaned = threading.Event()

    def work(job: Job) -> Generator[Answer, None, None]:
        try:
            yield from endless(job)
        finally:
            cleaned.set()

    b = bench(work)
    handle = b.executor.submit(b.job("a"))
    b.listen_until("a", object)
    handle.cancel(Error("cancelled", "Enough.", job="a"))
    b.listen_until("a", Error)
    assert b.answer("a") == Error("cancelled", "Enough.", job="a")
    assert cleaned.wait(10)


def test_a_held_job_waits_and_lets_others_pass(bench: Callable[[Work], Bench]) -> None:
    gate = threading.Event()

    def blocked(job: Job) -> Generator[Answer, None, None]:
        gate.wait(10)
        yield done(job)

    b = bench(lambda job: blocked(job) if job.id == "gate" else steps(job))
    b.executor.submit(b.job("gate", "preview"))
    handle = b.executor.submit(b.job("held"))
    handle.hold(True)
    gate.set()
    b.executor.submit(b.job("other"))
    b.listen_until("other", Done)
    assert "held" not in [name for name, _ in b.told]
    handle.hold(False)
    b.listen_until("held", Done)


def test_the_worker_does_not_run_far_ahead_of_its_reader(bench: Callable[[Work], Bench]) -> None:
    taken = 0

    def count(job: Job) -> Generator[Answer, None, None]:
        nonlocal taken
        while True:
            taken += 1
            yield step(job, taken)

    b = bench(count)
    b.executor.submit(b.job("a"))
    b.listen_until("a", object)
    b.executor.close()
    assert taken < 100


def test_an_exception_is_told_in_a_sentence_logged_whole_and_survived(
    bench: Callable[[Work], Bench], caplog: pytest.LogCaptureFixture
) -> None:
    def work(job: Job) -> Generator[Answer, None, None]:
        yield step(job, 0)
        if job.id == "bad":
            raise ZeroDivisionError("the secret of the trouble")
        yield done(job)

    b = bench(work)
    with caplog.at_level(logging.INFO):
        b.executor.submit(b.job("bad"))
        b.listen_until("bad", Error)
    error = b.answer("bad")
    assert isinstance(error, Error)
    assert (error.code, error.job) == ("internal", "bad")
    assert "ZeroDivisionError" in error.message
    assert "the.log" in error.remedy
    assert "secret" not in error.message
    assert [r.job for r in caplog.records if r.msg == "failed"] == ["bad"]  # type: ignore[attr-defined]
    assert "the secret of the trouble" in caplog.text
    b.executor.submit(b.job("good"))
    b.listen_until("good", Done)


def test_a_refusal_keeps_its_code(bench: Callable[[Work], Bench]) -> None:
    def work(job: Job) -> Generator[Answer, None, None]:
        raise RheostatError("damaged-package", "It is broken.", "Mend it.")
        yield done(job)

    b = bench(work)
    b.executor.submit(b.job("a"))
    b.listen_until("a", Error)
    assert b.answer("a") == Error("damaged-package", "It is broken.", "Mend it.", "a")


class TestTwoWorkers:
    """Two devices share the jobs; what one of them has begun it ends."""

    @pytest.fixture
    def done_by(self) -> dict[str, list[str]]:
        return {}

    @pytest.fixture
    def pair(self, tiny_package: Path, done_by: dict[str, list[str]]) -> Iterator[Bench]:
        bench = Bench(steps, read_package(tiny_package))
        bench.executor.close()

        def note(job: Job) -> Generator[Answer, None, None]:
            for number in range(3):
                done_by.setdefault(job.id, []).append(threading.current_thread().name)
                time.sleep(0.02)
                yield step(job, number)
            yield done(job)

        bench.executor = LocalExecutor([Worker(note), Worker(note)], bench.ring, "the.log")
        yield bench
        bench.executor.close()

    def test_jobs_run_side_by_side_and_each_on_one_device(
        self, pair: Bench, done_by: dict[str, list[str]]
    ) -> None:
        for name in "ab":
            pair.executor.submit(replace(pair.job(name), request=Render(name, "tiny", name)))
        for name in "ab":
            pair.listen_until(name, Done)
        assert {len(set(threads)) for threads in done_by.values()} == {1}
        assert done_by["a"][0] != done_by["b"][0]

    def test_the_same_picture_goes_where_it_was_before(
        self, pair: Bench, done_by: dict[str, list[str]]
    ) -> None:
        for number in range(6):
            pair.executor.submit(pair.job(str(number)))
            pair.listen_until(str(number), Done)
        assert len({threads[0] for threads in done_by.values()}) == 1
