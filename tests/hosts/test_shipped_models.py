"""Every shipped model on a photograph: on the command line, and the same in real GIMP."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp
from packages import ZOO

pytestmark = pytest.mark.host

MODELS = sorted(path.parent.name for path in ZOO.glob("*/weights.safetensors"))


@pytest.fixture(scope="module")
def gimp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    host = Gimp(tmp_path_factory.mktemp("zoo-home"), ZOO)
    host.install()
    yield host
    host.rheostat("stop")


def test_there_are_the_models_that_the_command_line_lists(gimp: Gimp) -> None:
    listed = gimp.rheostat("models")
    assert len(MODELS) >= 5
    assert [name for name in MODELS if name not in listed] == []


@pytest.mark.parametrize("model", MODELS)
def test_a_photograph_in_gimp_is_the_command_lines(
    gimp: Gimp, model: str, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    gimp.rheostat("filter", model, str(picture), str(out))
    expected, before = (imagecodecs.png_decode(path.read_bytes()) for path in (out, picture))
    scale = expected.shape[0] // before.shape[0]
    assert expected.shape == (scale * before.shape[0], scale * before.shape[1], 3)
    larger = before.repeat(scale, 0).repeat(scale, 1).astype(float)
    assert 0.5 < np.abs(expected - larger).mean() < 80  # another picture, and still this one
    outcome = gimp.run("filter", picture=str(picture), model=model)["outcome"]
    assert outcome["status"] == "success", outcome
    result = outcome["layer"]
    assert result["size"] == [expected.shape[1], expected.shape[0]]
    found = np.frombuffer(b64decode(result["pixels"]), np.uint8)
    np.testing.assert_array_equal(found, expected.ravel())
