"""The arrows of the house: hosts → client; daemon → client, library; library → the vocabulary."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import rheostat_client
from packages import REPOSITORY

CLIENT = REPOSITORY / "plugins" / "client" / "rheostat_client"
HOSTS = [
    folder
    for folder in (REPOSITORY / "plugins").iterdir()
    if folder.is_dir() and folder.name != "client"
]
LIBRARY = REPOSITORY / "models" / "rheostat"
DAEMON = REPOSITORY / "daemon" / "rheostatd"
VOCABULARY = {"controls", "settings", "models", "pixels", "errors"}
HOST_PROGRAMS = {"gi", "krita", "pykrita", "PyQt5", "PyQt6"}
UNSAFE = {"pickle", "cPickle", "dill", "shelve", "marshal", "cloudpickle", "joblib"}


def sources(*folders: Path) -> list[Path]:
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    assert found
    return found


def short(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def imports(path: Path) -> Iterator[str]:
    """Absolute names of the modules a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    """What a file imports from outside the standard library."""
    return {name.partition(".")[0] for name in imports(path)} - sys.stdlib_module_names


@pytest.mark.parametrize("path", sources(CLIENT), ids=short)
def test_the_client_stands_on_the_standard_library_and_msgpack(path: Path) -> None:
    # Without pyzmq the wire falls back to plain Python; this module alone may need it.
    allowed = {"zmq"} if path.name == "libzmq.py" else {"msgpack"}
    assert packages(path) <= allowed


@pytest.mark.parametrize("path", sources(*HOSTS), ids=short)
def test_hosts_stand_on_the_client_and_their_own_program(path: Path) -> None:
    own = {sibling.stem for sibling in path.parent.glob("*.py")}
    assert packages(path) <= {"rheostat_client"} | HOST_PROGRAMS | own


@pytest.mark.parametrize("path", sources(LIBRARY), ids=short)
def test_the_library_knows_the_vocabulary_and_neither_daemon_nor_hosts(path: Path) -> None:
    assert not packages(path) & ({"rheostatd"} | HOST_PROGRAMS)
    words = [name.split(".")[1] for name in imports(path) if name.startswith("rheostat_client.")]
    assert set(words) <= VOCABULARY


@pytest.mark.parametrize("path", sources(DAEMON), ids=short)
def test_the_daemon_knows_no_host_program(path: Path) -> None:
    assert not packages(path) & HOST_PROGRAMS


@pytest.mark.parametrize("path", sources(CLIENT, *HOSTS), ids=short)
def test_what_runs_inside_hosts_is_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("path", sources(CLIENT, *HOSTS, LIBRARY, DAEMON), ids=short)
def test_nothing_is_unpickled_and_no_shell_is_asked(path: Path) -> None:
    assert not packages(path) & UNSAFE
    assert not {name.partition(".")[0] for name in imports(path)} & UNSAFE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("torch.load", "os.system", "eval", "exec")
            assert not any(keyword.arg == "shell" for keyword in node.keywords)
        if isinstance(node, ast.Attribute):
            assert node.attr != "recv_pyobj"


@pytest.mark.parametrize("name", ["Control", "Settings", "ModelInfo", "PixelFormat", "Render"])
def test_what_all_share_is_defined_once(name: str) -> None:
    places = [
        short(path)
        for path in sources(CLIENT, *HOSTS, LIBRARY, DAEMON)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    assert len(places) == 1, places


def test_the_client_is_of_the_distributions_version() -> None:
    """It is laid beside plug-ins, where no metadata tells its version."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert rheostat_client.__version__ == project["project"]["version"]
