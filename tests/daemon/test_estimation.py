"""Estimates: what a control should be, asked over real sockets."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from daemon.visitor import Visitor, photo
from packages import REPOSITORY
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_gaussian_noise
from rheostat_client.connection import Connection
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Error, Estimate, Estimated, Progress, to_frames
from rheostat_client.pixels import pixel_format
from rheostatd.estimation import PARTS, SIDE, parts
from rheostatd.raster import Box, Picture

SIGMA = 20.0


def noisy(form: str = "rgb8") -> Picture:
    """A photograph with noise; if it has alpha, the left half is transparent."""
    clean = to_float(read_rgb(REPOSITORY / "docs" / "images" / "astronaut.png"))[None]
    spoilt = add_gaussian_noise(clean, torch.tensor([SIGMA]), torch.Generator().manual_seed(0))
    levels = (spoilt[0].clamp(0, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    if form == "rgba8":
        alpha = np.full((*levels.shape[:2], 1), 255, np.uint8)
        alpha[:, : levels.shape[1] // 2] = 0
        levels[:, : levels.shape[1] // 2] = 128
        levels = np.concatenate((levels, alpha), 2)
    return Picture(pixel_format(form), levels.shape[1], levels.shape[0], levels.tobytes())


def ask(visitor: Visitor, name: str, control: str = "noise", **fields: object) -> object:
    """The end of an estimate."""
    visitor.front.send_multipart(
        to_frames(Estimate("question", "tiny", name, control, **fields))  # type: ignore[arg-type]
    )
    message, _ = visitor.hear()
    if isinstance(message, Progress):
        message, _ = visitor.hear()
    return message


@pytest.mark.parametrize("form", ["rgb8", "rgba8"])
def test_the_noise_of_a_picture_is_told_in_steps_of_its_control(
    visitor: Visitor, form: str
) -> None:
    answer = ask(visitor, visitor.upload(noisy(form)))
    assert isinstance(answer, Estimated), answer
    assert answer.value == pytest.approx(SIGMA, abs=1.5)
    assert answer.value % 0.5 == 0


def test_the_client_of_the_hosts_hears_the_same_while_a_render_runs(visitor: Visitor) -> None:
    picture = noisy()
    visitor.submit(visitor.upload(photo(512, 512)), purpose="batch")
    with Connection.open() as connection:
        name = connection.upload(picture.data, "rgb8", picture.width, picture.height)
        region = (10, 10, 200, 180)
        found = connection.estimate(name, "tiny", "noise", region=region)
        assert found == pytest.approx(SIGMA, abs=3)
        with pytest.raises(RheostatError, match="not inside"):
            connection.estimate(name, "tiny", "noise", region=(0, 0, 4000, 1))


def test_what_cannot_be_told_is_said_with_the_reason(visitor: Visitor) -> None:
    small = ask(visitor, visitor.upload(photo(5, 5)))
    assert isinstance(small, Error)
    assert small.code == "no-estimate"
    black = Picture(pixel_format("rgba8"), 64, 64, bytes(4 * 64 * 64))
    answer = ask(visitor, visitor.upload(black))
    assert isinstance(answer, Error)
    assert "transparent" in answer.message
    name = visitor.upload(noisy())
    answer = ask(visitor, name, "detail")
    assert isinstance(answer, Error)
    assert (answer.code, answer.remedy) == ("unknown-control", "It has for: noise.")
    answer = ask(visitor, name, region=(0, 0, 0, 4))
    assert isinstance(answer, Error)
    assert answer.code == "bad-value"
    visitor.finds_all_well()


def test_an_estimate_of_a_session_that_left_bothers_nobody(visitor: Visitor) -> None:
    with Connection.open() as connection:
        picture = noisy()
        name = connection.upload(picture.data, "rgb8", picture.width, picture.height)
        connection.submit(Estimate("question", "tiny", name, "noise"))
    visitor.wait_until(queued=0, running=0, sessions=1)
    visitor.finds_all_well()


def test_parts_are_few_and_begin_on_the_grid() -> None:
    large = photo(3000, 2000, "gray8")
    found = list(islice(parts(large, Box(3, 5, 2900, 1900)), PARTS))
    assert len(found) == PARTS
    assert all(max(part.shape[1:]) <= SIDE for part in found)
    small = photo(64, 48, "gray8")
    (part,) = parts(small, Box(3, 5, 50, 40))
    levels = small.values(Box(8, 8, 45, 37))[..., 0]
    assert torch.equal(part[0], torch.from_numpy(levels / np.float32(255)))
