"""Who is next, who is overtaken, and who is stopped."""

from __future__ import annotations

import pytest
from rheostat.package import Package
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error, Render
from rheostat_client.pixels import FORMATS
from rheostatd.executor import Handle
from rheostatd.jobs import Answer, Job, Rendering
from rheostatd.raster import Box, Picture
from rheostatd.scheduler import MAX_QUEUED, Scheduler


class Notebook:
    """An executor that writes down what it is told, and does nothing."""

    def __init__(self) -> None:
        self.submitted: list[Job] = []
        self.cancelled: dict[str, Error] = {}
        self.held: set[str] = set()
        self.idle_seconds = 0.0

    def submit(self, job: Job) -> Handle:
        self.submitted.append(job)
        return NotebookHandle(self, job.id)

    def events(self) -> list[tuple[Job, Answer]]:
        return []

    def close(self) -> None:
        pass

    @property
    def names(self) -> list[str]:
        return [job.id for job in self.submitted]


class NotebookHandle:
    def __init__(self, notebook: Notebook, name: str) -> None:
        self._notebook, self._name = notebook, name

    def cancel(self, reason: Error) -> None:
        self._notebook.cancelled[self._name] = reason

    def hold(self, held: bool) -> None:
        (self._notebook.held.add if held else self._notebook.held.discard)(self._name)


class Desk:
    """A scheduler between a notebook and a list of the jobs stopped in the queue."""

    def __init__(self, package: Package) -> None:
        self.executor = Notebook()
        self.stopped: list[tuple[str, str]] = []
        self.scheduler = Scheduler(
            self.executor, lambda job, error: self.stopped.append((job.id, error.code))
        )
        self._package = package

    def submit(self, name: str, purpose: str, key: str = "layer", session: str = "s") -> None:
        request = Render(name, "tiny", "hash", purpose=purpose, key=key)
        picture = Picture(FORMATS["gray8"], 1, 1, b"x")
        box = Box(0, 0, 1, 1)
        self.scheduler.submit(Rendering(session, request, picture, self._package, box, {}))

    def finish(self, name: str) -> None:
        self.scheduler.finished(next(j for j in self.executor.submitted if j.id == name))


@pytest.fixture
def desk(tiny_package: Package) -> Desk:
    return Desk(tiny_package)


def test_one_of_each_class_runs_and_the_rest_come_in_order(desk: Desk) -> None:
    for name in ("batch-1", "apply-1", "preview-1", "batch-2", "apply-2", "preview-2", "apply-3"):
        desk.submit(name, name.split("-")[0], key=name)
    assert desk.executor.names == ["batch-1", "apply-1", "preview-1"]
    desk.finish("apply-1")
    assert desk.executor.names[3:] == ["apply-2"]
    desk.finish("preview-1")
    desk.finish("batch-1")
    desk.finish("apply-2")
    assert desk.executor.names[4:] == ["preview-2", "batch-2", "apply-3"]


def test_sessions_take_turns(desk: Desk) -> None:
    for number in range(3):
        desk.submit(f"folder-{number}", "batch", session="folder")
    for number in range(2):
        desk.submit(f"other-{number}", "batch", session="other")
    while desk.scheduler.running:
        desk.finish(desk.executor.names[-1])
    assert desk.executor.names == ["folder-0", "other-0", "folder-1", "other-1", "folder-2"]


def test_ever_new_sessions_keep_no_older_one_waiting(desk: Desk) -> None:
    desk.submit("before", "apply", session="editor")
    desk.finish("before")
    desk.submit("new-0", "apply", session="new-0")
    desk.submit("editor's", "apply", session="editor")
    for number in range(3):
        desk.submit(f"new-{number + 1}", "apply", session=f"new-{number + 1}")
        last = desk.executor.submitted[-1]
        desk.finish(last.id)
        desk.scheduler.drop(last.session)
    assert desk.executor.names == ["before", "new-0", "editor's", "new-1", "new-2"]


def test_the_newest_preview_of_a_key_overtakes_running_and_waiting_ones(desk: Desk) -> None:
    desk.submit("one", "preview")
    desk.submit("other-key", "preview", key="b")
    desk.submit("other-session", "preview", session="t")
    desk.submit("two", "preview")
    assert desk.executor.cancelled["one"].code == "overtaken"
    assert desk.stopped == []
    desk.submit("three", "preview")
    assert desk.stopped == [("two", "overtaken")]
    desk.finish("one")
    assert desk.executor.names == ["one", "other-session"]  # it had no turn yet
    assert (desk.scheduler.running, desk.scheduler.queued) == (1, 2)


def test_applies_are_never_overtaken(desk: Desk) -> None:
    desk.submit("one", "apply")
    desk.submit("two", "apply")
    desk.submit("three", "preview")
    assert (desk.stopped, desk.executor.cancelled) == ([], {})


def test_cancel_reaches_waiting_and_running_jobs_of_the_same_session_only(desk: Desk) -> None:
    desk.submit("running", "apply")
    desk.submit("waiting", "apply")
    assert not desk.scheduler.cancel("other", "running")
    assert not desk.scheduler.cancel("s", "unheard of")
    assert desk.scheduler.cancel("s", "running")
    assert desk.scheduler.cancel("s", "waiting")
    assert desk.executor.cancelled["running"].code == "cancelled"
    assert desk.stopped == [("waiting", "cancelled")]


def test_a_session_that_leaves_takes_its_jobs_along(desk: Desk) -> None:
    desk.submit("running", "apply")
    desk.submit("batch", "batch")
    desk.submit("waiting", "apply")
    desk.submit("others", "apply", session="t")
    desk.scheduler.drop("s")
    assert set(desk.executor.cancelled) == {"running", "batch"}
    assert desk.stopped == [("waiting", "cancelled")]
    desk.finish("running")
    assert desk.executor.names == ["running", "batch", "others"]


def test_a_slow_reader_holds_up_nobody_but_itself(desk: Desk) -> None:
    desk.submit("slow", "apply", session="slow")
    desk.submit("slow-2", "apply", session="slow")
    desk.submit("others", "apply", session="t")
    desk.scheduler.hold("slow", True)
    assert desk.executor.held == {"slow"}
    assert desk.executor.names == ["slow", "others"]
    desk.finish("others")
    assert desk.executor.names == ["slow", "others"]
    desk.scheduler.hold("slow", False)
    assert desk.executor.held == set()
    desk.finish("slow")
    assert desk.executor.names == ["slow", "others", "slow-2"]


def test_a_name_can_be_used_again_once_its_job_is_done(desk: Desk) -> None:
    desk.submit("one", "apply")
    with pytest.raises(RheostatError, match="'one' is not done"):
        desk.submit("one", "apply")
    desk.submit("one", "apply", session="t")
    desk.finish("one")
    desk.submit("one", "apply")


def test_the_queue_of_a_session_ends_somewhere(desk: Desk) -> None:
    for number in range(MAX_QUEUED):
        desk.submit(str(number), "apply")
    with pytest.raises(RheostatError, match=str(MAX_QUEUED)) as error:
        desk.submit("one more", "apply")
    assert error.value.code == "busy"
    desk.submit("somebody else's", "apply", session="t")
