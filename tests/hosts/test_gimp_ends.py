"""However a dialog ends without OK: the image, its undo list and its mark are as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hosts.rig import Gimp

pytestmark = pytest.mark.host

SHOTS = Path(__file__).parents[2] / "build" / "hosts"
WAYS = ["Escape", "alt+F4", "plug-in", "daemon"]


def names(seen: dict[str, Any], state: str) -> list[str]:
    return [layer["name"] for layer in seen[state]["layers"]]


@pytest.mark.parametrize("is_rendering", [False, True], ids=["preview", "render"])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left(
    gimp: Gimp, display: str, picture: Path, way: str, is_rendering: bool
) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    times = 7 if is_rendering else 2  # the model `tardy` is to be seen, or to be still at work
    pixels = imagecodecs.png_decode(picture.read_bytes())
    picture.write_bytes(imagecodecs.png_encode(np.tile(pixels, (times, times, 1))))
    seen = gimp.run(
        "ends",
        display=display,
        picture=str(picture),
        key=gimp.shortcut("tardy"),
        model="Tiny",
        way=way,
        is_rendering=is_rendering,
        plug_in=str(gimp.plug_in),
        shots=str(SHOTS),
    )
    assert seen["before"]["dirty"] is False
    assert seen["after"] == seen["before"]
    source, first = names(seen, "before")
    assert seen["redone"] == [source, first, "second"]  # what was undone before can still be redone
    assert seen["undone"] == [source, first]
    assert seen["none"] == [source]
