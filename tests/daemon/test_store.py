"""Uploads are addressed by content, resumable, and never more than the budget."""

from __future__ import annotations

import random

import pytest
from rheostat_client.errors import RheostatError
from rheostat_client.messages import Stored, Upload
from rheostat_client.pixels import content_hash
from rheostatd.store import Store

BUDGET = 1000


class Photo:
    """`width` grey pixels in a row."""

    def __init__(self, width: int, seed: int = 0) -> None:
        self.data = random.Random(seed).randbytes(width)
        self.hash = content_hash(self.data, "gray8", width, 1)
        self.width = width

    def upload(self, offset: int = 0) -> Upload:
        return Upload(self.hash, "gray8", self.width, 1, offset)

    def part(self, start: int, end: int) -> list[memoryview]:
        return [memoryview(self.data)[start:end]]

    def put(self, store: Store, holder: str) -> None:
        store.receive(self.upload(), self.part(0, self.width), holder)


def code(error: pytest.ExceptionInfo[RheostatError]) -> str:
    return error.value.code


@pytest.fixture
def store() -> Store:
    return Store(BUDGET)


def test_an_announcement_tells_how_much_is_here(store: Store) -> None:
    photo = Photo(300)
    assert store.announce(photo.upload(), "a") == Stored(photo.hash, 0, 300)
    assert store.receive(photo.upload(), photo.part(0, 100), "a").received == 100
    assert store.announce(photo.upload(), "b").received == 100
    assert store.receive(photo.upload(100), photo.part(100, 300), "b").received == 300
    assert bytes(store.picture(photo.hash).data) == photo.data


def test_frames_need_not_be_equal_and_known_bytes_are_passed_over(store: Store) -> None:
    photo = Photo(300)
    store.receive(photo.upload(), [*photo.part(0, 1), *photo.part(1, 150)], "a")
    overlapping = [*photo.part(100, 140), *photo.part(140, 200), *photo.part(200, 300)]
    assert store.receive(photo.upload(100), overlapping, "b").received == 300
    photo.put(store, "c")
    assert bytes(store.picture(photo.hash).data) == photo.data


def test_a_gap_is_refused_and_what_was_here_stays(store: Store) -> None:
    photo = Photo(300)
    store.receive(photo.upload(), photo.part(0, 100), "a")
    with pytest.raises(RheostatError, match=r"start at 101; 100 are here") as error:
        store.receive(photo.upload(101), photo.part(101, 300), "a")
    assert code(error) == "bad-message"
    assert store.receive(photo.upload(100), photo.part(100, 300), "a").received == 300


def test_more_bytes_than_announced_are_refused_and_what_was_here_stays(store: Store) -> None:
    photo = Photo(300)
    store.receive(photo.upload(), photo.part(0, 100), "a")
    with pytest.raises(RheostatError, match=r"end at 301; 300 × 1 gray8 has 300"):
        store.receive(photo.upload(100), [*photo.part(100, 300), memoryview(b"!")], "a")
    assert store.announce(photo.upload(), "a").received == 100


def test_pixels_of_another_hash_are_forgotten(store: Store) -> None:
    photo = Photo(300)
    with pytest.raises(RheostatError, match=photo.hash) as error:
        store.receive(photo.upload(), [memoryview(bytes(300))], "a")
    assert code(error) == "bad-message"
    assert store.held == 0
    photo.put(store, "a")
    assert store.picture(photo.hash).width == 300


def test_one_hash_is_one_shape(store: Store) -> None:
    photo = Photo(300)
    photo.put(store, "a")
    with pytest.raises(RheostatError, match="300 × 1 gray8 here, 150 × 2") as error:
        store.announce(Upload(photo.hash, "gray8", 150, 2), "a")
    assert code(error) == "bad-message"


def test_unknown_and_unfinished_pictures_cannot_be_had(store: Store) -> None:
    photo = Photo(300)
    with pytest.raises(RheostatError) as error:
        store.picture(photo.hash)
    assert code(error) == "unknown-pixels"
    store.receive(photo.upload(), photo.part(0, 299), "a")
    with pytest.raises(RheostatError, match="299 of 300") as error:
        store.picture(photo.hash)
    assert code(error) == "incomplete-pixels"


def test_an_unknown_format_is_named(store: Store) -> None:
    with pytest.raises(RheostatError, match="rgb8") as error:
        store.announce(Upload("x", "rgb7", 1, 1), "a")
    assert code(error) == "bad-format"


def test_a_picture_larger_than_the_budget_is_refused_with_both_numbers() -> None:
    store = Store(3 * 2**20)
    with pytest.raises(RheostatError, match=r"4\.0 MiB.*3\.0 MiB") as error:
        store.announce(Upload("x", "gray8", 2048, 2048), "a")
    assert code(error) == "too-large"
    assert store.held == 0


def test_the_least_recently_used_goes_first(store: Store) -> None:
    photos = [Photo(400, seed) for seed in range(3)]
    for photo in photos[:2]:
        photo.put(store, "a")
    store.release("a")
    store.picture(photos[0].hash)
    photos[2].put(store, "b")
    assert store.picture(photos[0].hash)
    with pytest.raises(RheostatError):
        store.picture(photos[1].hash)
    assert store.held == 800 <= BUDGET


def test_a_lease_outlasts_more_recent_use(store: Store) -> None:
    leased, loose = Photo(400, 1), Photo(400, 2)
    leased.put(store, "a")
    loose.put(store, "b")
    store.release("b")
    Photo(400, 3).put(store, "c")
    assert store.picture(leased.hash)
    with pytest.raises(RheostatError):
        store.picture(loose.hash)


def test_a_picture_is_used_until_its_job_has_ended(store: Store) -> None:
    first, second = (Photo(400, seed) for seed in range(2))
    first.put(store, "a")
    store.lease(first.hash, "job")
    second.put(store, "b")
    for holder in ("a", "b", "job"):
        store.release(holder)
    Photo(400, 2).put(store, "c")
    assert store.picture(first.hash)
    with pytest.raises(RheostatError):
        store.picture(second.hash)


def test_a_map_does_not_throw_out_the_picture_it_is_for(store: Store) -> None:
    picture, paint = Photo(600, 0), Photo(600, 1)
    picture.put(store, "a")
    with pytest.raises(RheostatError, match="are in use") as error:
        paint.put(store, "a")
    assert code(error) == "busy"
    assert store.picture(picture.hash)


def test_where_too_much_is_held_nothing_is_thrown_out(store: Store) -> None:
    for seed in range(2):
        Photo(400, seed).put(store, "a")
    loose = Photo(200, 2)
    loose.put(store, "b")
    store.release("b")
    with pytest.raises(RheostatError, match="are in use") as error:
        Photo(400, 3).put(store, "c")
    assert code(error) == "busy"
    assert store.picture(loose.hash)
    store.release("a")
    Photo(400, 3).put(store, "c")


def test_what_nobody_needs_any_more_is_forgotten_after_a_while(store: Store) -> None:
    leased, used, unfinished = (Photo(300, seed) for seed in range(3))
    leased.put(store, "a")
    used.put(store, "b")
    store.receive(unfinished.upload(), unfinished.part(0, 100), "b")
    store.release("b")
    assert store.forget(3600.0) == 0
    assert store.forget(0.0) == 600
    assert store.picture(leased.hash)
    assert store.held == 300
