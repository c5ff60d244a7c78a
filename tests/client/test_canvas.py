"""Canvas: tiles in any order, cut in any way, are the picture."""

from __future__ import annotations

from typing import Any

import pytest
from client.peer import crop, tiles
from hypothesis import given
from hypothesis import strategies as st
from rheostat_client.canvas import Canvas
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Bytes, Tile
from rheostat_client.pixels import pixel_format

TILE: dict[str, Any] = {"job": "j", "x": 2, "y": 2, "width": 2, "height": 2, "format": "gray8"}


@given(st.data(), st.sampled_from(("gray8", "rgb8", "rgba16", "graya32f")))
def test_tiles_in_any_order_make_the_picture(data: st.DataObject, form: str) -> None:
    region = data.draw(st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 9)] * 2))
    layout = pixel_format(form)
    size = layout.size(region[2], region[3])
    picture = data.draw(st.binary(min_size=size, max_size=size))
    boxes = data.draw(st.permutations(list(tiles(region, data.draw(st.integers(1, 9))))))
    canvas = Canvas(region, form)
    for box in boxes:
        assert not canvas.is_complete
        inside = (box[0] - region[0], box[1] - region[1], *box[2:])
        pixels = crop(picture, form, region[2], inside)
        at = data.draw(st.integers(0, len(pixels)))
        frames: list[Bytes] = [pixels[:at], memoryview(pixels)[at:]]
        canvas.paste(Tile("job", *box, form), frames)
    assert canvas.is_complete
    assert canvas.pixels() == picture


@pytest.mark.parametrize(
    ("changes", "size", "word"),
    [
        ({"x": 1}, 4, "outside"),
        ({"y": 4}, 4, "outside"),
        ({"x": 4}, 4, "outside"),
        ({"width": 0}, 0, "outside"),
        ({"height": -1}, 4, "outside"),
        ({"format": "rgb8"}, 4, "format is rgb8, not gray8"),
        ({}, 3, "3 bytes instead of 4"),
        ({}, 5, "5 bytes instead of 4"),
    ],
)
def test_a_tile_that_does_not_fit_is_refused(changes: dict[str, Any], size: int, word: str) -> None:
    canvas = Canvas((2, 2, 3, 3), "gray8")
    tile = Tile(**{**TILE, **changes})
    with pytest.raises(RheostatError, match=word) as refused:
        canvas.paste(tile, [b"\1" * size])
    assert refused.value.code == "bad-message"
    assert canvas.pixels() == bytes(9)
