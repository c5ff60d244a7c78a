"""The divider of the preview in real GIMP: the source left of it, the preview right of it."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hosts.rig import Gimp
from numpy.typing import NDArray

pytestmark = pytest.mark.host

COFFEE = Path(__file__).parent / "coffee.png"
WIDTH, HEIGHT, LINE = 97, 71, 2  # of the picture, and of the line at the divider


@pytest.fixture(scope="module")
def seen(gimp: Gimp) -> dict[str, Any]:
    """The preview is black."""
    return dict(gimp.run("divided", picture=str(COFFEE), plug_in=str(gimp.plug_in)))


def shown(case: dict[str, Any], name: str) -> NDArray[np.uint8]:
    return np.frombuffer(b64decode(case["shown"][name]), np.uint8).reshape(HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(("name", "divider"), [("quarter", 24), ("three quarters", 73)])
def test_the_source_shows_left_of_the_divider(
    seen: dict[str, Any], name: str, divider: int
) -> None:
    whole = seen["whole"]
    picture, source = shown(whole, name), shown(whole, "source")
    np.testing.assert_array_equal(picture[:, :divider], source[:, :divider])
    line = picture[:, divider : divider + LINE]
    assert (line == [[0, 0, 0], [255, 255, 255]]).all()
    assert not picture[:, divider + LINE :].any()


def test_while_a_button_is_held_the_source_shows_and_then_all_of_the_preview(
    seen: dict[str, Any],
) -> None:
    whole = seen["whole"]
    np.testing.assert_array_equal(shown(whole, "held"), shown(whole, "source"))
    assert not shown(whole, "all").any()  # and no line is left


def test_a_feathered_selection_stays_what_it_is(seen: dict[str, Any]) -> None:
    part = seen["selected"]
    x, y, width, height = part["box"]
    source, everything = shown(part, "source"), shown(part, "all")
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[y : y + height, x : x + width] = False
    np.testing.assert_array_equal(everything[outside], source[outside])
    assert not everything[y + height // 2, x + width // 2].any()
    edge = everything[y + height // 2, x : x + width // 2].sum(axis=1)
    assert 0 < np.count_nonzero(edge) < edge.size  # it fades
    np.testing.assert_array_equal(shown(part, "held"), source)
    divided = shown(part, "three quarters")
    left = x + round(0.75 * width)
    np.testing.assert_array_equal(divided[:, :left], source[:, :left])
    np.testing.assert_array_equal(divided[:, left + LINE :], everything[:, left + LINE :])


@pytest.mark.parametrize("case", ["whole", "selected"])
def test_afterwards_the_image_is_as_it_was(seen: dict[str, Any], case: str) -> None:
    assert seen[case]["name"] == "Rheostat preview"
    assert seen[case]["is as before"]
