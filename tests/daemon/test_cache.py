"""A cache keeps what was used last, within its bytes."""

from __future__ import annotations

from rheostatd.cache import Cache


def test_the_least_recently_used_makes_room() -> None:
    cache: Cache[str] = Cache(10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 4)
    assert cache.get("a") == "A"
    cache.put("c", "C", 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("A", None, "C")
    assert cache.report() == {"bytes": 8, "budget": 10, "hits": 3, "misses": 1}


def test_a_new_value_takes_the_place_of_the_old() -> None:
    cache: Cache[str] = Cache(10)
    cache.put("a", "A", 9)
    cache.put("a", "B", 3)
    assert (cache.get("a"), cache.held) == ("B", 3)


def test_what_is_over_the_budget_is_not_kept_and_drives_nothing_out() -> None:
    cache: Cache[str] = Cache(10)
    cache.put("a", "A", 10)
    cache.put("b", "B", 11)
    assert (cache.get("a"), cache.get("b")) == ("A", None)
    cache.clear()
    assert (cache.get("a"), cache.held) == (None, 0)


def test_values_may_be_counted_too_and_dropped_by_what_they_are() -> None:
    cache: Cache[str] = Cache(10, most=2)
    for key in "abc":
        cache.put(key, key.upper(), 1)
    assert (cache.get("a"), cache.held) == (None, 2)
    cache.drop(lambda value: value == "B")
    assert (cache.get("b"), cache.get("c"), cache.held) == (None, "C", 1)
