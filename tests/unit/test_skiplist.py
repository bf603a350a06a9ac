"""The skip list against a sorted Python list."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.skiplist_shim import SortedMembers, member_within, score_within

# few scores and members, so that equal scores, both zeros and both infinities meet
SCORES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.5, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]) | st.floats(allow_nan=False)
MEMBERS = st.sampled_from([b"", b"a", b"ab", b"b", b"\x00", b"\xff", b"a\x00", b"z" * 300]) | st.binary(max_size=3)
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


def play(calls):
    """The skip list and the model after the calls, each of which was checked by its answer."""
    members = SortedMembers()
    model = {}
    for call, first, second in calls:
        if call == "set" and first in model:
            members.rescore(first, second)
            model[first] = second
        elif call == "set":
            members.insert(second, first)
            model[first] = second
        elif call == "remove" and first in model:
            members.remove(first)
            del model[first]
        elif call == "ranks":
            low, high = max(1, min(first, second)), max(first, second)
            gone = in_order(model)[low - 1 : high]
            assert members.remove_ranks(low, high) == len(gone)
            for _, member in gone:
                del model[member]
    return members, model


@settings(max_examples=400, deadline=None)
@given(st.lists(CALLS, max_size=60))
def test_any_calls_leave_it_equal_to_a_sorted_list(calls):
    members, model = play(calls)
    expected = in_order(model)
    assert exact(members.forward()) == exact(expected)
    assert exact(members.backward()) == exact(expected[::-1])
    assert len(members) == len(expected)
    for place, (score, member) in enumerate(expected, 1):
        assert members.rank(member) == place
        assert members.by_rank(place) == (score, member)
    assert members.by_rank(0) is None
    assert members.by_rank(len(expected) + 1) is None
    assert members.close() == (0, 0)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(MEMBERS, SCORES, max_size=20), SCORES, SCORES, st.booleans(), st.booleans())
def test_the_ends_of_a_range_of_scores(model, low, high, low_open, high_open):
    members, _ = play([("set", member, score) for member, score in model.items()])
    inside = [
        (score, member)
        for score, member in in_order(model)
        if (low < score if low_open else low <= score) and (score < high if high_open else score <= high)
    ]
    assert members.in_score(low, high, low_open, high_open) == ((inside[0], inside[-1]) if inside else (None, None))
    for score in model.values():
        above = low < score if low_open else low <= score
        below = score < high if high_open else score <= high
        assert score_within(score, low, high, low_open, high_open) == (above, below)


def above(member, low):
    return low == b"-" or (low != b"+" and (member > low[1:] if low[:1] == b"(" else member >= low[1:]))


def below(member, high):
    return high == b"+" or (high != b"-" and (member < high[1:] if high[:1] == b"(" else member <= high[1:]))


ENDS = st.sampled_from([b"-", b"+"]) | st.builds(bytes.__add__, st.sampled_from([b"[", b"("]), MEMBERS)


@settings(max_examples=300, deadline=None)
@given(st.sets(MEMBERS, max_size=20), ENDS, ENDS)
def test_the_ends_of_a_range_of_members(model, low, high):
    members, _ = play([("set", member, 7.0) for member in model])
    inside = [(7.0, member) for member in sorted(model) if above(member, low) and below(member, high)]
    assert members.in_lex(low, high) == ((inside[0], inside[-1]) if inside else (None, None))
    for member in model:
        assert member_within(member, low, high) == (above(member, low), below(member, high))


def test_equal_scores_are_ordered_by_members_as_bytes():
    members = SortedMembers()
    for member in (b"b", b"\xff", b"a\x00", b"", b"B", b"a"):
        members.insert(-0.0 if member == b"a" else 0.0, member)
    assert [member for _, member in members.forward()] == [b"", b"B", b"a", b"a\x00", b"b", b"\xff"]


def test_a_node_keeps_its_place_in_memory_and_its_sign_of_zero_when_it_gets_a_score():
    members = SortedMembers()
    members.insert(1.0, b"a")
    members.insert(2.0, b"b")
    blocks, used = members.blocks, members.used
    members.rescore(b"a", -0.0)
    assert math.copysign(1, members.by_rank(1)[0]) == -1
    members.rescore(b"a", 3.0)
    assert members.forward() == [(2.0, b"b"), (3.0, b"a")]
    assert (members.blocks, members.used) == (blocks, used)


def test_memory_of_nodes_is_what_the_account_was_charged():
    members = SortedMembers()
    empty = members.used
    for n in range(500):
        members.insert(n, b"member:%d" % n)
    assert members.nodes_memory == members.used - empty


@pytest.mark.parametrize("seed", [1, 2])
def test_many(seed):
    source = random.Random(seed)
    members = SortedMembers(seed)
    model = {b"%d" % n: float(source.randrange(2000)) for n in range(20_000)}
    for member, score in model.items():
        members.insert(score, member)
    for member in source.sample(sorted(model), 8000):
        model[member] = float(source.randrange(-2000, 2000))
        members.rescore(member, model[member])
    for member in source.sample(sorted(model), 8000):
        del model[member]
        members.remove(member)
    expected = in_order(model)
    assert members.forward() == expected
    assert members.backward() == expected[::-1]
    for rank in source.sample(range(1, len(expected) + 1), 3000):
        assert members.by_rank(rank) == expected[rank - 1]
        assert members.rank(expected[rank - 1][1]) == rank
    assert members.remove_ranks(101, 11_900) == 11_800
    expected[100:11_900] = []
    assert members.forward() == expected
    assert [members.rank(member) for _, member in expected] == list(range(1, 201))
    assert members.close() == (0, 0)


def test_freeing_in_steps_leaves_nothing():
    members = SortedMembers()
    for n in range(1000):
        members.insert(n % 7, b"%d" % n)
    assert members.free_in_steps(100) in (10, 11)
    assert (members.used, members.blocks) == (0, 0)
