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
    st.tuples(st.just("alike"), IDS, NUMBERS),
)


def cut(tree, model):
    """Take the first leaf out of both."""
    gone = tree.cut_first()
    assert gone == sorted(model)[: len(gone)]
    for id in gone:
        del model[id]


def remove_alike(tree, model, id, number, n):
    """Take those of one leaf out of both that have this number."""
    before = set(model)
    removed = tree.remove_alike(id, number, n)
    gone = before - {item[0] for item in tree.forward()}
    assert len(gone) == removed
    # one leaf: all of a stretch of ids that have the number, and none else
    assert all(model[other][number] == n for other in gone)
    stretch = [other for other in model if min(gone) <= other <= max(gone)] if gone else []
    assert gone == {other for other in stretch if model[other][number] == n}
    for other in gone:
        del model[other]


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
        elif call == "alike" and model:
            remove_alike(tree, model, id, 0, numbers[0])


def check(tree, model, charged=True):
    items = sorted(model.items())
    assert len(tree) == len(items) == sum(tree.leaves)
    assert all(tree.leaves)
    assert tree.forward() == items
    assert tree.backward((TOP, TOP)) == items[::-1]
    for number in range(len(items[0][1]) if items else 0):
        assert tree.sum(number) == sum(numbers[number] for _, numbers in items) % (TOP + 1)
    assert tree.memory == tree.used or not charged


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


@pytest.mark.parametrize("leaves", [1, 2, 63, 64, 65, 127, 128, 129, 156])
def test_a_tree_is_cut_in_two(leaves):
    tree, other = Ids(1), Ids(1)
    ids = [(n, 5) for n in range(20_000)]
    for id in ids:
        tree.put(id, (id[0] % 3,))
    assert tree.height == 2
    moved = tree.cut_before(leaves, other)
    assert moved == leaves * LEAF
    # the first leaf of what is left is found from above, and so is the last one of what was cut off
    for part, held in ((other, ids[:moved]), (tree, ids[moved:])):
        check(part, {id: (id[0] % 3,) for id in held}, charged=False)
        check_seeks(part, {id: (id[0] % 3,) for id in held}, [held[0], held[-1]])
    # and both go on growing and shrinking
    other.put((moved, 4), (0,))
    tree.put((moved - 1, 6), (0,))
    assert other.above((moved, 0)) == ((moved, 4), (0,)) and tree.above((0, 0)) == ((moved - 1, 6), (0,))
    near = ids[max(moved - 300, 0) : moved + 300]
    for id in near:
        assert (other if id[0] < moved else tree).remove(id)
    assert len(tree) + len(other) == len(ids) + 2 - len(near)
    assert [sum(pair) for pair in zip(tree.close(), other.close(), strict=True)] == [0, 0]


def test_ids_alike_are_removed_leaf_by_leaf():
    chance = random.Random(7)
    tree, model = Ids(3), {}
    for n in range(20_000):
        model[(n, n)] = (chance.choice([1, 2, 300]) if n < 12_000 else 2, n, 1)
        tree.put((n, n), model[(n, n)])
    calls = 0
    for number in (300, 2):
        id = (0, 0)
        while id is not None:
            remove_alike(tree, model, id, 0, number)
            calls += 1
            later = [other for other in sorted(model) if other > id and model[other][0] == number]
            id = later[0] if later else None
        check(tree, model)
    assert {numbers[0] for numbers in model.values()} == {1}
    assert calls <= 2 * 20_000 // LEAF + 10
    assert tree.close() == (0, 0)


def test_a_cursor_skips():
    tree = Ids(0)
    for n in range(1000):
        tree.put((n, 0))
    for start, count in ((0, 0), (0, 1), (5, 122), (5, 123), (0, 999), (500, 400)):
        assert tree.skip((start, 0), count) == ((start + count, 0), ())
    assert tree.skip((0, 0), 1000) is None and tree.skip((900, 0), 5000) is None
    tree.close()


def test_an_id_has_a_next_and_a_previous_one():
    assert step((1, 2)) == (1, 3)
    assert step((1, TOP)) == (2, 0)
    assert step((TOP, TOP)) is None
    assert step_back((1, 2)) == (1, 1)
    assert step_back((1, 0)) == (0, TOP)
    assert step_back((0, 0)) is None
