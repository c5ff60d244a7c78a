"""A daemon in a thread, on real sockets in a runtime folder of its own, with the model `tiny`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from daemon.visitor import Visitor
from rheostat_client import rendezvous
from rheostatd.renderer import Renderer
from rheostatd.server import Server

Daemon = Callable[..., Server]
Door = Callable[..., Visitor]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runtime folder, used by everything that asks for one."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("RHEOSTAT_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("RHEOSTAT_LOG", raising=False)
    return folder


@pytest.fixture
def daemon(runtime: Path, tiny_package: Path) -> Iterator[Daemon]:
    """`daemon(picture_memory=...)` starts the server, which makes tiles of 16 pixels."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(**options: Any) -> Server:
        renderer = Renderer(torch.device("cpu"), tile=16)
        server = Server(runtime, **{"renderers": [renderer], **options})
        rendezvous.write(runtime, server.record)
        thread = threading.Thread(target=live, args=(server,))
        thread.start()
        running.append((server, thread))
        return server

    assert tiny_package.is_dir()
    with rendezvous.claim(runtime):
        yield start
        for server, thread in running:
            server.stop()
            thread.join()


def live(server: Server) -> None:
    """A daemon's life."""
    server.run()
    server.close()


@pytest.fixture
def server(daemon: Daemon) -> Server:
    """A server."""
    return daemon()


@pytest.fixture
def door(server: Server) -> Iterator[Door]:
    """`door()` lets one more visitor in."""
    inside: list[Visitor] = []

    def enter(**options: Any) -> Visitor:
        inside.append(Visitor(server.record, **options))
        return inside[-1]

    yield enter
    for visitor in inside:
        visitor.leave()


@pytest.fixture
def visitor(door: Door) -> Visitor:
    """One visitor."""
    return door()
