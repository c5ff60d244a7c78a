"""Runtime folders of their own, both transports, and a scripted daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from client.peer import Peer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runtime folder, used by everything that asks for one."""
    path = tmp_path / "run"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(path))
    monkeypatch.delenv("RHEOSTAT_LOG", raising=False)
    return path


@pytest.fixture(params=["pyzmq", "plain"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What messages travel by; `plain` is what is left where pyzmq cannot be imported."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "rheostat_client.libzmq", None)
    return str(request.param)


@pytest.fixture
def peer(folder: Path) -> Iterator[Peer]:
    """A scripted daemon, running in `folder`."""
    with Peer(folder) as peer:
        yield peer
