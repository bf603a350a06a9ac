"""The tree of stream ids against a Python dictionary."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.id_tree_shim import Ids, step, step_back

LEAF = 128  # ids, as in id_tree.pxd
TOP = 2**64 - 1
# few of them, so that they meet; and all widths of differences
HALVES = st.sampled_from([0, 1, 2, 255, 256, 257, 65535, 65536, 2**32 - 1, 2**32, TOP - 1, TOP]) | st.integers(0, 40)
IDS = st.tuples(HALVES, HALVES)
NUMBERS = st.tuples(HALVES, HALVES, HALVES)
CALLS = st.one_of(
    st.tuples(st.just("put"), IDS, NUMBERS),
    st.tuples(st.just("put"), IDS, NUMBERS),
    st.tuples(st.just("remove"), IDS, NUMBERS),
    st.tuples(st.just("set"), IDS, NUMBERS),
    st.tuples(st.just("cut"), IDS, NUMBERS),
)


def cut(tree, model):
    """Take the first leaf out of both."""
    gone = tree.cut_first()
    assert gone == sorted(model)[: len(gone)]
    for id in gone:
        del model[id]


def play(tree, model, calls):
    for call, id, numbers in calls:
        if call == "put":
            assert tree.put(id, numbers) == (id not in model)
            model[id] = numbers
        elif call == "remove":
            assert tree.remove(id) == (model.pop(id, None) is not None)
        elif call == "set" and id in model:
            model[id] = (model[id][0], numbers[1], model[id][2])
            assert tree.set(id, 1, numbers[1]) == (id, model[id])
        elif call == "cut":
            cut(tree, model)


def check(tree, model):
    items = sorted(model.items())
    assert len(tree) == len(items) == sum(tree.leaves)
    assert all(tree.leaves)
    assert tree.forward() == items
    assert tree.backward((TOP, TOP)) == items[::-1]
    assert tree.memory == tree.used


def check_seeks(tree, model, ids):
    items = sorted(model.items())
    for id in ids:
        above = [item for item in items if item[0] >= id]
        below = [item for item in items if item[0] <= id]
        assert tree.above(id) == (above[0] if above else None)
        assert tree.below(id) == (below[-1] if below else None)
        assert tree.forward(id) == above
        assert tree.backward(id) == below[::-1]
        assert tree.find(id) == ((id, model[id]) if id in model else None)


@given(st.lists(CALLS, max_size=80), st.lists(IDS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_does_what_a_dictionary_does(calls, ids):
    tree, model = Ids(3), {}
    play(tree, model, calls)
    check(tree, model)
    check_seeks(tree, model, ids)
    assert tree.close() == (0, 0)


@pytest.mark.parametrize("order", ["ascending", "descending", "random"])
def test_thousands_come_and_go(order):
    chance = random.Random(order)
    tree, model = Ids(3), {}
    ids = [(1_700_000_000_000 + n // 3, n % 3) for n in range(30_000)]
    if order == "descending":
        ids.reverse()
    elif order == "random":
        chance.shuffle(ids)
    for n, id in enumerate(ids):
        model[id] = (n % 7, 1_700_000_000_000 + n, chance.randrange(3))
        assert tree.put(id, model[id])
    check(tree, model)
    check_seeks(tree, model, chance.sample(ids, 3))
    assert tree.height == 2 or order == "ascending"
    chance.shuffle(ids)
    for id in ids[:29_900]:
        del model[id]
        assert tree.remove(id)
    check(tree, model)
    # sparse leaves were joined
    assert len(tree.leaves) < 20
    for id in ids[29_900:]:
        assert tree.remove(id)
    assert tree.close() == (0, 0)


def test_ids_in_order_fill_the_leaves():
    tree = Ids(3)
    for n in range(100 * LEAF):
        tree.put((1_700_000_000_000 + n, 0), (1, 1_700_000_000_000 + n // 10, 1))
    assert set(tree.leaves) == {LEAF}
    assert tree.blocks == len(tree.leaves) == 100
    # a byte or two for what differs, nothing for what does not
    assert tree.memory / len(tree) < 4
    tree.close()


def test_leaves_are_cut_and_move():
    tree, other, model = Ids(1), Ids(1), {}
    for n in range(20_000):
        model[(n, 5)] = (n,)
        tree.put((n, 5), (n,))
    for _ in range(40):
        cut(tree, model)
    check(tree, model)
    copy = tree.copy()
    check(copy, model)
    copy.move_to(other)
    assert len(copy) == 0 and other.forward() == sorted(model.items())
    assert sum(other.leaves) == len(other)
    assert tree.close() == (0, 0)
    # the leaves were charged to the one, and are freed from the account of the other
    assert [sum(pair) for pair in zip(copy.close(), other.close(), strict=True)] == [0, 0]


def test_an_id_has_a_next_and_a_previous_one():
    assert step((1, 2)) == (1, 3)
    assert step((1, TOP)) == (2, 0)
    assert step((TOP, TOP)) is None
    assert step_back((1, 2)) == (1, 1)
    assert step_back((1, 0)) == (0, TOP)
    assert step_back((0, 0)) is None
