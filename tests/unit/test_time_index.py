"""TimeIndex, the ordered set of moments with what is due then, against a sorted list."""

from __future__ import annotations

import random
from bisect import insort

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.time_index_shim import Times

LAST = 2**48 - 1
SOME = 32

moments = st.one_of(st.integers(0, 5), st.integers(0, LAST), st.integers(LAST - 5, LAST))
items = st.one_of(st.integers(1, 5), st.integers(1, LAST))


def check(times: Times, model: list[tuple[int, int]]) -> None:
    """What the index tells is what the list holds."""
    assert times.pairs() == model
    assert len(times) == len(model)
    assert times.ends() == ((model[0][0], model[-1][0]) if model else None)
    first = times.first(SOME)
    assert first == model[: len(first)]
    assert bool(first) == bool(model)
    assert times.node_bytes == times.used[0]


@settings(deadline=None)
@given(st.lists(st.tuples(moments, items), unique=True), st.randoms(use_true_random=False))
def test_pairs_are_in_order(pairs: list[tuple[int, int]], order: random.Random) -> None:
    """Whatever the order in which they come and go."""
    times, model = Times(), []
    for pair in pairs:
        times.insert(*pair)
        insort(model, pair)
    check(times, model)
    for pair in pairs:
        assert times.contains(*pair)
    order.shuffle(pairs)
    for pair in pairs:
        times.remove(*pair)
        model.remove(pair)
        assert not times.contains(*pair)
    check(times, model)
    assert times.used == (0, 0)


@pytest.mark.parametrize("span", [1, 1000, LAST])
@pytest.mark.parametrize("keep", [0, 50, 5000])
def test_many_pairs(span: int, keep: int) -> None:
    """Several levels that grow and shrink, with equal moments and different ones."""
    order = random.Random(span + keep)
    times, model = Times(), []
    for _ in range(3):
        while len(model) < 30_000:
            pair = (order.randrange(span), order.randrange(1, LAST))
            times.insert(*pair)
            insort(model, pair)
        check(times, model)
        assert times.height >= 2
        while len(model) > keep:
            at = order.randrange(len(model))
            times.remove(*model.pop(at))
        check(times, model)


def test_taken_from_the_front() -> None:
    """As expiry does."""
    times = Times()
    model = sorted((n % 700, n) for n in range(1, 20_000))
    for pair in model:
        times.insert(*pair)
    while model:
        some = times.first(20)
        assert 0 < len(some) <= 20
        assert some == model[: len(some)]
        for pair in some:
            times.remove(*pair)
        del model[: len(some)]
    assert times.used == (0, 0)


def test_counting_what_is_due() -> None:
    times, order = Times(), random.Random(3)
    model = [(order.choice([5, 7, 1000, order.randrange(2000)]), n) for n in range(1, 20_000)]
    assert times.count_below(LAST) == 0
    for pair in model:
        times.insert(*pair)
    assert times.height >= 1
    for moment in (0, 5, 6, 7, 8, 999, 1000, 1001, 1999, 2000, LAST):
        assert times.count_below(moment) == sum(pair[0] < moment for pair in model)


def test_later_and_later_moments_fill_the_leaves() -> None:
    """As of elements that live equally long: twelve bytes a pair, and little more."""
    times = Times()
    for n in range(1, 100_001):
        times.insert(n // 3, n)
    assert times.node_bytes < 12.7 * 100_000


def test_moments_in_any_order_take_little_more() -> None:
    times, order = Times(), random.Random(5)
    for n in range(1, 100_001):
        times.insert(order.randrange(LAST), n)
    assert times.node_bytes < 19 * 100_000


def test_few_pairs_take_few_bytes() -> None:
    """A hash with one field that expires has one of these."""
    times = Times()
    times.insert(1, 1)
    assert times.used[0] <= 64
    for n in range(2, 1000):
        times.insert(n, n)
    for n in range(2, 1000):
        times.remove(n, n)
    assert times.used[0] <= 128


def test_draining_in_steps() -> None:
    """No step frees more than it was told."""
    times = Times()
    for n in range(1, 20_001):
        times.insert(n, n)
    blocks = times.used[1]
    steps = 0
    while not times.drain(7):
        assert blocks - times.used[1] <= 7
        blocks = times.used[1]
        steps += 1
    assert steps > 20
    assert times.used == (0, 0)
    times.insert(1, 1)
    assert times.pairs() == [(1, 1)]
