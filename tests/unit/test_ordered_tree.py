"""The ordered tree against a sorted Python list."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import fail_allocations
from zippy._core.testing.ordered_tree_shim import SortedMembers, member_within, score_within

LEAF = 72  # items, as in ordered_tree.pyx

# few scores and members, so that equal scores, both zeros and both infinities meet
SCORES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.5, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]) | st.floats(allow_nan=False)
MEMBERS = st.sampled_from([b"", b"a", b"ab", b"b", b"\x00", b"\xff", b"a\x00", b"z" * 254, b"z" * 255, b"z" * 300]) | st.binary(max_size=3)
RANKS = st.integers(0, 12)
CALLS = st.one_of(
    st.tuples(st.just("set"), MEMBERS, SCORES),
    st.tuples(st.just("set"), MEMBERS, SCORES),
    st.tuples(st.just("remove"), MEMBERS, SCORES),
    st.tuples(st.just("ranks"), RANKS, RANKS),
)


def bits(score):
    return math.copysign(1, score), score


def exact(items):
    """Items that tell the two zeros from each other."""
    return [(bits(score), member) for score, member in items]


def in_order(model):
    return sorted(((score, member) for member, score in model.items()), key=lambda item: (item[0], item[1]))


def put(members, model, member, score):
    if member in model:
        members.rescore(member, score)
    else:
        members.insert(score, member)
    model[member] = score


def cut(members, model, first, count):
    """Remove a run of ranks, as far as there are such."""
    gone = in_order(model)[first : first + count]
    members.remove_ranks(first, len(gone))
    for _, member in gone:
        del model[member]


def play(calls, members=None, model=None):
    """On a tree and its model, or on empty ones."""
    members = SortedMembers() if members is None else members
    model = {} if model is None else model
    for call, first, second in calls:
        if call == "set":
            put(members, model, first, second)
        elif call == "remove" and first in model:
            members.remove(first)
            del model[first]
        elif call == "ranks":
            cut(members, model, first, second)
    return members, model


def check(members, model):
    """Each item's place, found by rank, by member and by walking, is that in the sorted list."""
    expected = in_order(model)
    assert len(members) == len(expected) == sum(members.leaves)
    assert exact(members.forward()) == exact(expected)
    assert exact(members.backward(max(0, len(expected) - 1))) == exact(expected[::-1])
    for rank, (score, member) in enumerate(expected):
        assert members.rank(member) == rank
        assert members.by_rank(rank) == (score, member)
    assert members.by_rank(len(expected)) is None
    assert members.memory == members.used
    if len(expected) > LEAF:
        assert min(members.leaves[1:-1], default=LEAF) >= LEAF // 4
    return expected


@settings(max_examples=400)
@given(st.lists(CALLS, max_size=60))
def test_any_calls_leave_it_equal_to_a_sorted_list(calls):
    members, model = play(calls)
    check(members, model)
    assert members.close() == (0, 0)


RUNS = st.tuples(
    st.sampled_from(["up", "down", "random", "same", "close", "rescore", "remove", "cut", "cut first", "cut last"]),
    st.integers(1, 700),
    st.integers(0, 2**32),
)


@settings(max_examples=120)
@given(st.lists(RUNS, min_size=2, max_size=12))
def test_runs_of_calls_that_split_and_merge_nodes_of_all_levels(runs):
    members, model = SortedMembers(), {}
    for kind, count, seed in runs:
        source = random.Random(seed)
        start = source.uniform(-1000, 1000)
        if kind == "cut":
            cut(members, model, source.randrange(len(model) + 1), count)
        elif kind == "cut first":
            cut(members, model, 0, count)
        elif kind == "cut last":
            cut(members, model, max(0, len(model) - count), count)
        elif kind == "remove":
            for member in source.sample(sorted(model), min(count, len(model))):
                members.remove(member)
                del model[member]
        elif kind == "rescore":
            for member in source.sample(sorted(model), min(count, len(model))):
                put(members, model, member, source.choice([model[member] + 0.5, start, source.uniform(-1000, 1000), -math.inf]))
        else:
            for n in range(count):
                steps = {"up": n, "down": -n, "random": source.uniform(-500, 500), "same": 0, "close": source.random() / 2**40}
                put(members, model, b"%d:%d" % (source.randrange(100), n), start + steps[kind])
    check(members, model)
    assert members.close() == (0, 0)


@settings(max_examples=400)
@given(st.lists(st.tuples(MEMBERS, SCORES, SCORES), max_size=40, unique_by=lambda row: row[0]), st.lists(CALLS, max_size=10))
def test_what_was_appended_in_any_order_is_put_in_order(rows, calls):
    members = SortedMembers()
    for member, score, _ in rows:
        members.append(score, member)
    for member, _, score in rows:
        members.write_score(member, score)
    assert members.order()
    model = {member: score for member, _, score in rows}
    check(members, model)
    play(calls, members, model)
    check(members, model)
    assert members.close() == (0, 0)


ORDERS = ["ascending", "descending", "random", "same", "few", "zeros", "two runs", "infinities"]


def scored(order, count, source):
    """Scores in that order, and members of which many are equal in their first bytes, some in eight behind these."""
    scores = {
        "ascending": lambda n: n, "descending": lambda n: -n, "random": lambda n: source.uniform(-1000, 1000), "same": lambda n: 7,
        "few": lambda n: source.randrange(5), "zeros": lambda n: source.choice([0.0, -0.0]), "two runs": lambda n: n % (count // 2 + 1),
        "infinities": lambda n: source.choice([math.inf, -math.inf, 1.7976931348623157e308, n]),
    }  # fmt: skip
    names = [b"member %s%d" % (source.choice([b"", b"\x00", b"\xff", b"12345678", b"12345678" * 40]), n) for n in range(count)]
    source.shuffle(names)
    return [(float(scores[order](n)), name) for n, name in enumerate(names)]


@settings(max_examples=150)
@given(st.sampled_from(ORDERS), st.integers(1, 6000), st.sampled_from(ORDERS), st.integers(0, 2**32))
def test_many_are_put_in_order_and_make_a_tree_like_any_other(order, count, later, seed):
    source = random.Random(seed)
    members, model = SortedMembers(), {}
    for score, member in scored(order, count, source):
        members.append(score, member)
        model[member] = score
    assert members.order()
    assert exact(members.forward()) == exact(in_order(model))
    assert all(filled >= LEAF - 1 for filled in members.leaves[:-2])
    for score, member in scored(later, count // 4, source):
        put(members, model, member, score)
    for member in source.sample(sorted(model), count // 3):
        members.remove(member)
        del model[member]
    cut(members, model, source.randrange(len(model) + 1), count // 4)
    check(members, model)
    assert members.close() == (0, 0)


@pytest.mark.parametrize("count", [0, 1, 5, 72, 73, 5000])
def test_what_is_not_in_order_yet_is_freed(count):
    """At once, or from its end as large values are freed in steps."""
    rows = scored("random", count, random.Random(1))
    for step in (count + 1, 100, 1):
        members = SortedMembers()
        for score, member in rows:
            members.append(score, member)
        while len(members) > step:
            members.remove_ranks(len(members) - step, step)
        assert members.close() == (0, 0)


@pytest.mark.skipif(not mem_shim.DEBUG, reason="only a debug build can make the allocator fail")
def test_only_what_is_not_in_order_takes_memory_to_be_put_in_order():
    members = SortedMembers()
    for n in range(1000):
        members.append(n, b"%d" % n)
    blocks, used = members.blocks, members.used
    fail_allocations(0, 1)
    assert members.order()
    members.write_score(b"500", 2000)
    assert not members.order()
    fail_allocations(0, 0)
    assert (members.blocks, members.used) == (blocks, used)
    assert [member for _, member in members.forward(498)[:3]] == [b"498", b"499", b"500"]
    assert members.order()
    assert (members.blocks, members.used) == (blocks, used)
    assert [member for _, member in members.forward(498)] == [b"498", b"499", *(b"%d" % n for n in range(501, 1000)), b"500"]


@settings(max_examples=300)
@given(st.dictionaries(MEMBERS, SCORES, max_size=20), SCORES, SCORES, st.booleans(), st.booleans())
def test_a_range_of_scores(model, low, high, low_open, high_open):
    members, _ = play([("set", member, score) for member, score in model.items()])
    inside = [
        rank
        for rank, (score, _) in enumerate(in_order(model))
        if (low < score if low_open else low <= score) and (score < high if high_open else score <= high)
    ]
    first, count = members.score_span(low, high, low_open, high_open)
    assert list(range(first, first + count)) == inside
    assert members.from_score(low) == [pair for pair in in_order(model) if pair[0] >= low][:2]
    for score in model.values():
        above = low < score if low_open else low <= score
        below = score < high if high_open else score <= high
        assert score_within(score, low, high, low_open, high_open) == (above, below)


def above(member, low):
    return low == b"-" or (low != b"+" and (member > low[1:] if low[:1] == b"(" else member >= low[1:]))


def below(member, high):
    return high == b"+" or (high != b"-" and (member < high[1:] if high[:1] == b"(" else member <= high[1:]))


ENDS = st.sampled_from([b"-", b"+"]) | st.builds(bytes.__add__, st.sampled_from([b"[", b"("]), MEMBERS)


@settings(max_examples=300)
@given(st.sets(MEMBERS, max_size=20), ENDS, ENDS)
def test_a_range_of_members(model, low, high):
    members, _ = play([("set", member, 7.0) for member in model])
    inside = [rank for rank, member in enumerate(sorted(model)) if above(member, low) and below(member, high)]
    first, count = members.lex_span(low, high)
    assert list(range(first, first + count)) == inside
    for member in model:
        assert member_within(member, low, high) == (above(member, low), below(member, high))


@pytest.mark.parametrize("scores", [lambda n: n % 50, lambda n: 1.7e12 + n // 3, lambda n: math.inf if n % 2 else -math.inf, lambda n: 0])
def test_ranges_in_a_tree_of_several_levels(scores):
    source = random.Random(5)
    members, model = SortedMembers(), {}
    for n in source.sample(range(5000), 5000):
        put(members, model, b"%04d" % n, float(scores(n)))
    assert members.height >= 2
    expected = check(members, model)
    for low, high in [source.sample(expected, 2) for _ in range(300)]:
        for low_open, high_open in [(False, False), (True, False), (False, True), (True, True)]:
            inside = [
                rank
                for rank, (score, _) in enumerate(expected)
                if (low[0] < score if low_open else low[0] <= score) and (score < high[0] if high_open else score <= high[0])
            ]
            first, count = members.score_span(low[0], high[0], low_open, high_open)
            assert members.from_score(low[0]) == [pair for pair in expected if pair[0] >= low[0]][:2]
            assert list(range(first, first + count)) == inside


def test_ranges_of_members_in_a_tree_of_several_levels():
    source = random.Random(5)
    members, model = SortedMembers(), {}
    for n in source.sample(range(5000), 5000):
        put(members, model, b"%04d" % n, 0.0)
    for low, high in [source.sample(range(5000), 2) for _ in range(300)]:
        assert members.lex_span(b"[%04d" % low, b"[%04d" % high)[1] == max(0, high - low + 1)
        assert members.lex_span(b"(%04d" % low, b"(%04d" % high)[1] == max(0, high - low - 1)
        assert members.lex_span(b"[%04d" % low, b"+") == (low, 5000 - low)


def test_equal_scores_are_ordered_by_members_as_bytes():
    members = SortedMembers()
    for member in (b"b", b"\xff", b"a\x00", b"", b"B", b"a"):
        members.insert(-0.0 if member == b"a" else 0.0, member)
    assert [member for _, member in members.forward()] == [b"", b"B", b"a", b"a\x00", b"b", b"\xff"]


def test_an_item_keeps_its_place_in_memory_and_its_sign_of_zero_when_it_gets_a_score():
    members = SortedMembers()
    members.insert(1.0, b"a")
    members.insert(2.0, b"b")
    blocks, used = members.blocks, members.used
    members.rescore(b"a", -0.0)
    assert math.copysign(1, members.by_rank(0)[0]) == -1
    members.rescore(b"a", 3.0)
    assert members.forward() == [(2.0, b"b"), (3.0, b"a")]
    assert (members.blocks, members.used) == (blocks, used)


def test_a_walk_begins_at_any_rank():
    members = SortedMembers()
    for n in range(500):
        members.insert(n, b"%d" % n)
    for rank in (0, 1, 71, 72, 250, 498, 499):
        assert [score for score, _ in members.forward(rank)] == list(range(rank, 500))
        assert [score for score, _ in members.backward(rank)] == list(range(rank, -1, -1))
    assert members.forward(500) == members.backward(500) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_many(seed):
    source = random.Random(seed)
    members = SortedMembers()
    model = {b"%d" % n: float(source.randrange(2000)) for n in range(20_000)}
    for member, score in model.items():
        members.insert(score, member)
    for member in source.sample(sorted(model), 8000):
        put(members, model, member, float(source.randrange(-2000, 2000)))
    for member in source.sample(sorted(model), 8000):
        del model[member]
        members.remove(member)
    check(members, model)
    cut(members, model, 100, 11_800)
    assert len(check(members, model)) == 200
    assert members.close() == (0, 0)


@pytest.mark.parametrize(
    ("order", "fill"), [("ascending", 0.95), ("descending", 0.95), ("random", 0.8), ("equal", 0.8), ("in ten runs", 0.8)]
)
def test_leaves_are_full(order, fill):
    source = random.Random(3)
    members = SortedMembers()
    scores = {"ascending": lambda n: n, "descending": lambda n: -n, "random": lambda n: source.random(), "equal": lambda n: 0}
    scores["in ten runs"] = lambda n: n % 10 * 1e6 + n
    for n in range(20_000):
        members.insert(scores[order](n), b"%x" % (n * 2654435761 % 2**32))
    assert len(members) / (len(members.leaves) * LEAF) > fill


@pytest.mark.parametrize("which", ["at random", "the first", "the last", "every other"])
def test_leaves_are_not_left_near_empty(which):
    source = random.Random(4)
    members, model = SortedMembers(), {}
    for n in source.sample(range(20_000), 20_000):
        put(members, model, b"%d" % n, float(n))
    order = {"at random": source.sample(range(20_000), 20_000), "the first": range(20_000), "the last": range(19_999, -1, -1)}
    order["every other"] = [*range(0, 20_000, 2), *range(1, 20_000, 2)]
    for n in order[which][:19_000]:
        members.remove(b"%d" % n)
        del model[b"%d" % n]
    check(members, model)
    assert len(members) / (len(members.leaves) * LEAF) > 0.4
    for n in order[which][19_000:]:
        members.remove(b"%d" % n)
        del model[b"%d" % n]
    assert members.leaves == [0]
    assert members.height == 0


def test_a_tree_of_few_items_is_small():
    members = SortedMembers()
    members.insert(1.0, b"a" * 100)
    assert members.used < 300  # where a leaf with room for all of its items has 896 bytes
