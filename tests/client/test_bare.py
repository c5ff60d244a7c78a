"""The client as an installer lays it beside a plug-in: no site-packages, nothing compiled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
import rheostat_client
from client.peer import Peer

TALK = """
import sys
sys.path.insert(0, sys.argv[1])
from rheostat_client.connection import Connection
with Connection.open(name="bare") as daemon:
    picture = bytes(range(240)) * 50
    result = daemon.filter(picture, "rgb8", 40, 100, "tiny", {"amount": 1.0})
    assert result.pixels == bytes(255 - value for value in picture)
    print(daemon.models()[0].name, type(result).__name__)
import msgpack.fallback
assert msgpack.Packer is msgpack.fallback.Packer
assert "rheostat_client.zmtp" in sys.modules
print(*(name for name in ("zmq", "numpy", "site") if name in sys.modules))
"""


def interpreters() -> Iterator[str]:
    """This one, and every other from 3.9 on that can be called here."""
    yield sys.executable
    for minor in range(9, 15):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            yield found


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with the client and the pure-Python part of msgpack."""
    folder = tmp_path / "plug-in"
    for package in (rheostat_client, msgpack):
        assert package.__file__
        source = Path(package.__file__).parent
        leave = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        shutil.copytree(source, folder / source.name, ignore=leave)
    return folder


def talk(interpreter: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [interpreter, "-I", "-S", "-W", "error", "-c", TALK, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("interpreter", list(interpreters()))
@pytest.mark.usefixtures("peer")
def test_it_needs_nothing_else(beside: Path, interpreter: str) -> None:
    done = talk(interpreter, beside)
    assert (done.stdout, done.stderr) == ("Tiny Rendered\n\n", "")


def test_compiled_parts_for_another_interpreter_are_left_alone(beside: Path, peer: Peer) -> None:
    suffix = ".pyd" if sys.platform == "win32" else ".abi3.so"
    (beside / "msgpack" / f"_cmsgpack{suffix}").write_bytes(b"for another machine")
    (beside / "zmq").mkdir()
    (beside / "zmq" / "__init__.py").write_text("from . import _zmq")
    (beside / "zmq" / f"_zmq{suffix}").write_bytes(b"for another machine")
    done = talk(sys.executable, beside)
    assert (done.stdout, done.stderr) == ("Tiny Rendered\n\n", "")
    assert any(getattr(message, "client", "") == "bare" for message in peer.received)
