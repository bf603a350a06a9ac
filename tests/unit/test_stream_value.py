"""Streams and their groups against Python models."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zippy._core.testing.stream_shim import StreamValue

TOP = 2**64 - 1
OK, TOO_SMALL = 0, 1
BY_LENGTH, BY_ID = 0, 1
KEEP, DROP, ACKED = 0, 1, 2
NOT_FOUND, DELETED, NOT_ACKED = -1, 1, 2

WORDS = st.sampled_from([b"", b"a", b"12", b"-5000", b"012", b"9223372036854775807", b"x" * 63, b"x" * 64, b"y" * 4100])
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4)
STEPS = st.sampled_from([(0, 1), (0, 5000), (1, 0), (3, 7), (70_000, 0), (2**33, 2)])
PLACES = st.integers(0, 30)
CALLS = st.one_of(
    st.tuples(st.just("append"), STEPS, PAIRS),
    st.tuples(st.just("append"), STEPS, PAIRS),
    st.tuples(st.just("append"), STEPS, PAIRS),
    st.tuples(st.just("delete"), PLACES, st.none()),
    st.tuples(st.just("sweep"), st.sets(PLACES), st.booleans()),
    st.tuples(st.just("length"), PLACES, st.booleans()),
    st.tuples(st.just("id"), PLACES, st.booleans()),
)


class Model:
    """A stream as a dictionary, with what it remembers of ids."""

    def __init__(self) -> None:
        self.entries: dict[tuple[int, int], list[tuple[bytes, bytes]]] = {}
        self.last = self.deleted = (0, 0)
        self.added = 0

    def place(self, n: int) -> tuple[int, int] | None:
        """The id of the n-th entry."""
        ids = list(self.entries)
        return ids[n] if n < len(ids) else None

    def delete(self, id: tuple[int, int]) -> None:
        del self.entries[id]
        self.deleted = max(self.deleted, id)

    @property
    def info(self) -> dict[str, Any]:
        return {
            "length": len(self.entries),
            "last": self.last,
            "first": min(self.entries, default=(0, 0)),
            "deleted": self.deleted,
            "added": self.added,
        }


def append(s: StreamValue, model: Model, step: tuple[int, int], pairs: list[tuple[bytes, bytes]]) -> None:
    id = (model.last[0] + step[0], step[1] + (0 if step[0] else model.last[1]))
    if id > (TOP, TOP) or max(id) > TOP:
        return
    assert s.append(id, pairs) == OK
    assert s.append(id, pairs) == TOO_SMALL
    model.entries[id] = pairs
    model.last = id
    model.added += 1


def trim(s: StreamValue, model: Model, by: int, place: int, approximate: bool) -> None:
    """An exact trim removes what it should, an approximate one not more."""
    ids = list(model.entries)
    to = place if by == BY_LENGTH else (ids[place] if place < len(ids) else (TOP, TOP))
    gone = ids[: max(0, len(ids) - place)] if by == BY_LENGTH else [id for id in ids if id < to]
    removed = s.trim(by, to, approximate)
    assert removed == len(gone) or (approximate and removed < len(gone))
    for id in gone[:removed]:
        del model.entries[id]


def play(s: StreamValue, model: Model, calls: list[Any]) -> None:
    for call, first, second in calls:
        if call == "append":
            append(s, model, first, second)
        elif call == "delete":
            id = model.place(first)
            assert s.delete(id or (TOP, 7)) == (DELETED if id else NOT_FOUND)
            if id:
                model.delete(id)
        elif call == "sweep":
            ids = list(model.entries)
            chosen = [ids[n] for n in first if n < len(ids)]
            assert s.delete_where(chosen, second) == (ids[::-1] if second else ids)
            for id in chosen:
                model.delete(id)
        else:
            trim(s, model, BY_LENGTH if call == "length" else BY_ID, first, second)
        assert s.info == model.info


def check(s: StreamValue, model: Model) -> None:
    entries = list(model.entries.items())
    ids = list(model.entries)
    assert len(s) == len(entries)
    assert s.range() == entries
    assert s.range(backwards=True) == entries[::-1]
    for read in (0, 1):
        assert s.range(read=read) == ids
        assert s.range(read=read, backwards=True) == ids[::-1]
    assert s.last_entry() == (ids[-1] if ids else None)
    assert all(s.has(id) for id in ids)
    assert sum(live for _, live in s.blocks.values()) == len(entries)
    assert s.memory == s.used


@pytest.mark.parametrize("limits", [(4096, 100), (100, 0), (0, 3), (0, 1)])
@given(calls=st.lists(CALLS, max_size=40), ends=st.tuples(PLACES, PLACES))
@settings(max_examples=60, deadline=None)
def test_does_what_a_dictionary_does(limits: tuple[int, int], calls: list[Any], ends: tuple[int, int]) -> None:
    s, model = StreamValue(*limits), Model()
    play(s, model, calls)
    check(s, model)
    ids = [*model.entries, (TOP, TOP)]
    low, high = (ids[min(n, len(ids) - 1)] for n in ends)
    entries = [item for item in model.entries.items() if low <= item[0] <= high]
    assert s.range(low, high) == entries
    assert s.range(low, high, backwards=True) == entries[::-1]
    other = s.copy()
    check(other, model)
    assert s.close() == (0, 0)
    assert other.info == model.info
    other.free_in_steps(1)
    assert other.close() == (0, 0)


def of_length(count: int, **limits: int) -> StreamValue:
    """A stream of entries 1-0, 2-0 and so on."""
    s = StreamValue(**limits)
    for n in range(1, count + 1):
        assert s.append((n, 0), [(b"field", b"%d" % n)]) == OK
    return s


def test_a_block_is_bounded_by_entries_and_by_bytes() -> None:
    assert [live for _, live in of_length(250).blocks.values()] == [100, 100, 50]
    s = of_length(100, max_bytes=100, max_entries=0)
    assert max(len(block) for block, _ in s.blocks.values()) < 110
    assert sorted(len(block) for block, _ in s.blocks.values())[1] > 80


def test_deleted_entries_stay_until_their_block_is_empty() -> None:
    s = of_length(30, max_entries=10)
    for n in range(1, 10):
        assert s.delete((n, 0)) == DELETED
    assert [live for _, live in s.blocks.values()] == [1, 10, 10]
    assert s.info["first"] == (10, 0)
    assert s.delete((10, 0)) == DELETED
    assert list(s.blocks) == [(11, 0), (21, 0)]


def test_trimming_keeps_to_its_limit() -> None:
    s = of_length(1000, max_entries=10)
    assert s.trim(BY_LENGTH, 0, approximate=True, limit=9) == 0
    assert s.trim(BY_LENGTH, 0, approximate=True, limit=25) == 20
    assert s.trim(BY_ID, (500, 0), approximate=True, limit=30) == 30
    assert s.info["first"] == (51, 0)
    # the 50 blocks cannot be distinguished from what an exact trim leaves
    assert s.trim(BY_ID, (505, 0), approximate=True) == 450
    assert s.trim(BY_ID, (505, 0)) == 4
    assert s.info == {"length": 496, "last": (1000, 0), "first": (505, 0), "deleted": (0, 0), "added": 1000}


def test_what_trimming_cuts_off_can_wait() -> None:
    s = of_length(20_000, max_entries=1)
    used = s.used
    assert s.trim(BY_LENGTH, 10, keep_remains=True) == 19_990
    assert len(s) == 10 and s.used > used * 0.9
    assert s.free_remains() > 19_990
    assert s.used < used / 100
    s.trim(BY_LENGTH, 5, keep_remains=True)
    assert s.close() == (0, 0)


@pytest.mark.parametrize("entries", [1, 7])
@pytest.mark.parametrize("kept", [0, 1, 6, 7, 128, 129, 9_000, 19_000, 19_999, 20_000])
def test_many_blocks_are_trimmed(entries: int, kept: int) -> None:
    for by, to in ((BY_LENGTH, kept), (BY_ID, (20_001 - kept, 0))):
        s = of_length(20_000, max_entries=entries)
        assert s.trim(by, to) == 20_000 - kept
        assert s.range(read=0) == [(n, 0) for n in range(20_001 - kept, 20_001)]
        assert s.info["first"] == ((20_001 - kept, 0) if kept else (0, 0))
        # what is left can grow
        assert s.append((20_001, 0), [(b"field", b"x")]) == OK
        assert len(s) == len(s.range(read=0)) == kept + 1
        assert s.close() == (0, 0)


@pytest.mark.parametrize("references", [DROP, ACKED])
def test_blocks_that_nobody_refers_to_are_cut_off(references: int) -> None:
    s = of_length(20_000, max_entries=1)
    s.create_group(b"g", (15_000, 0))
    s.create_consumer(b"g", b"c")
    for n in (10_000, 12_000, 14_000):
        s.put_pending(b"g", (n, 0), b"c", 0, 1)
    assert s.trim(BY_LENGTH, 0, references=references, keep_remains=True) == (20_000 if references == DROP else 14_997)
    # 9_999 as they are, the others one by one
    assert s.free_remains() == 1 + 9_999
    left = [10_000, 12_000, 14_000, *range(15_001, 20_001)] if references == ACKED else []
    assert s.range(read=0) == [(n, 0) for n in left]
    assert len(s.pending(b"g")) == (3 if references == ACKED else 0)
    assert s.close() == (0, 0)


def test_a_consumer_is_deleted_with_what_is_pending_for_it() -> None:
    s = of_length(3000)
    read_all(s, b"g", consumers=3)
    before = s.pending(b"g")
    assert s.delete_consumer(b"g", b"consumer 1") == 1000
    assert s.pending(b"g") == [item for item in before if item[1] != b"consumer 1"]
    assert s.delete_consumer(b"g", b"consumer 0") == 1000
    assert s.pending(b"g") == s.pending(b"g", b"consumer 2") == [item for item in before if item[1] == b"consumer 2"]
    # the last one has all that is pending
    assert s.delete_consumer(b"g", b"consumer 2") == 1000
    assert s.pending(b"g") == []
    assert s.create_consumer(b"g", b"consumer 0")
    assert s.put_pending(b"g", (5, 0), b"consumer 0", 0, 1)
    assert s.delete_consumer(b"g", b"consumer 0") == 1
    assert s.close() == (0, 0)


def test_what_a_deleted_consumer_had_can_wait() -> None:
    """Most of it: a group's tree is not freed where one consumer has all that is pending."""
    for consumers, share in ((1, 0.9), (2, 0.0)):
        s = of_length(20_000)
        read_all(s, b"g", consumers)
        used = s.used
        assert s.delete_consumer(b"g", b"consumer 0", keep_remains=True) == 20_000 // consumers
        assert s.used > used * share
        assert s.free_remains() > 2 * (20_000 // consumers // 128)
        assert s.close() == (0, 0)


def test_is_freed_in_steps() -> None:
    s = of_length(2000, max_entries=10)
    for name in (b"one", b"two"):
        read_all(s, name, consumers=3)
    assert s.effort > 200
    assert 20 <= s.free_in_steps(10) <= 40
    assert s.close() == (0, 0)


def test_counts_its_memory() -> None:
    s = of_length(2000)
    read_all(s, b"group", consumers=3)
    assert s.memory == s.used
    assert s.memory_guessed == pytest.approx(s.used, rel=0.1)
    s.close()


# Groups

NAMES = st.sampled_from([b"", b"a", b"b", b"consumer"])
MOMENTS = st.sampled_from([0, 1, 1_700_000_000_000, 1_700_000_000_001, 2**62, -1])
GROUP_CALLS = st.one_of(
    st.tuples(st.just("put"), STEPS, NAMES, st.tuples(MOMENTS, st.sampled_from([0, 1, 300, TOP]))),
    st.tuples(st.just("put"), STEPS, NAMES, st.tuples(MOMENTS, st.just(1))),
    st.tuples(st.just("again"), PLACES, NAMES, st.tuples(MOMENTS, st.just(2))),
    st.tuples(st.just("remove"), PLACES, NAMES, st.none()),
    st.tuples(st.just("consumer"), PLACES, NAMES, st.none()),
)


def read_all(s: StreamValue, group: bytes, consumers: int) -> None:
    """A group whose consumers have read every entry."""
    assert s.create_group(group)
    for n in range(consumers):
        assert s.create_consumer(group, b"consumer %d" % n, 5)
    for n, id in enumerate(s.range(read=0)):
        assert s.put_pending(group, id, b"consumer %d" % (n % consumers), n, 1)


def pending_of(model: dict[Any, Any], consumer: bytes | None = None) -> Iterator[Any]:
    for id in sorted(model):
        owner, time, count = model[id]
        if consumer in (None, owner):
            yield id, owner, time, count


@given(calls=st.lists(GROUP_CALLS, max_size=60), start=PLACES, removed=st.sets(PLACES))
@settings(max_examples=100, deadline=None)
def test_pending_entries_are_a_dictionary(calls: list[Any], start: int, removed: set[int]) -> None:
    s = StreamValue()
    assert s.create_group(b"g")
    model: dict[Any, Any] = {}
    consumers: set[bytes] = set()
    last = (0, 0)
    for call, place, name, what in calls:
        ids = sorted(model)
        if call == "consumer" and name in consumers:
            gone = [id for id in ids if model[id][0] == name]
            assert s.delete_consumer(b"g", name) == len(gone)
            consumers.remove(name)
            model = {id: model[id] for id in ids if id not in gone}
            continue
        assert s.create_consumer(b"g", name, 7) == (name not in consumers)
        consumers.add(name)
        if call == "put":
            last = (last[0] + place[0], place[1] + (0 if place[0] else last[1]))
            assert s.put_pending(b"g", last, name, *what)
            model[last] = (name, *what)
        elif call == "again" and place < len(ids):
            assert not s.put_pending(b"g", ids[place], name, *what)
            model[ids[place]] = (name, *what)
        elif call == "remove":
            id = ids[place] if place < len(ids) else (TOP, TOP)
            assert s.remove_pending(b"g", id) == (model.pop(id, None) is not None)
    ids = sorted(model)
    assert s.pending(b"g") == list(pending_of(model))
    assert s.edges(b"g") == ((ids[0], ids[-1]) if ids else None)
    assert s.groups[b"g"][2:] == (len(ids), {name: (len(list(pending_of(model, name))), 7, -1) for name in sorted(consumers)})
    for id, item in zip(ids, pending_of(model), strict=True):
        assert s.find_pending(b"g", id) == item
    for name in consumers:
        assert s.pending(b"g", name) == list(pending_of(model, name))
    other = s.copy()
    assert other.groups == s.groups and other.pending(b"g") == s.pending(b"g")
    begin = ids[start] if start < len(ids) else (TOP, TOP)
    gone = {ids[n] for n in removed if n < len(ids)}
    # taking entries out does not disturb the iteration
    assert s.pending(b"g", None, begin, gone) == [item for item in pending_of(model) if item[0] >= begin]
    assert s.memory == s.used
    assert s.close() == (0, 0)
    assert other.memory == other.used
    assert other.close() == (0, 0)


def test_groups_and_consumers_are_in_the_order_of_their_names() -> None:
    s = StreamValue()
    names = [b"%d" % n for n in random.Random(1).sample(range(500), 300)]
    for name in names:
        assert s.create_group(name) and not s.create_group(name)
        assert s.create_consumer(b"%s" % names[0], name) and not s.create_consumer(names[0], name)
    assert list(s.groups) == sorted(names) == list(s.groups[names[0]][3])
    for name in names[1:]:
        s.delete_group(name)
        assert s.delete_consumer(names[0], name) == 0
    assert list(s.groups) == [names[0]] == list(s.groups[names[0]][3])
    assert s.close() == (0, 0)


def test_a_pending_entry_costs_a_few_bytes() -> None:
    s = StreamValue()
    s.create_group(b"g")
    for n in range(3):
        s.create_consumer(b"g", b"c%d" % n)
    used = s.used
    for n in range(30_000):
        s.put_pending(b"g", (1_700_000_000_000 + n, 0), b"c%d" % (n // 10 % 3), 1_700_000_100_000 + n // 10, 1)
    assert (s.used - used) / 30_000 < 8


def test_a_number_is_given_again() -> None:
    s = StreamValue()
    s.create_group(b"g")
    for _ in range(1000):
        s.create_consumer(b"g", b"a")
        s.create_consumer(b"g", b"b")
        s.delete_consumer(b"g", b"a")
        s.delete_consumer(b"g", b"b")
    assert s.used < 1000


def test_references_hold_an_entry_until_all_groups_acknowledged_it() -> None:
    s = of_length(10, max_entries=4)
    assert s.delete((1, 0), ACKED) == DELETED
    s.create_group(b"g", (5, 0))
    s.create_consumer(b"g", b"c")
    s.put_pending(b"g", (3, 0), b"c", 0, 1)
    assert [n for n in range(2, 11) if s.is_referenced((n, 0))] == [3, 6, 7, 8, 9, 10]
    assert s.delete((3, 0), ACKED) == s.delete((6, 0), ACKED) == NOT_ACKED
    assert s.delete((2, 0), ACKED) == DELETED
    assert s.delete((3, 0), KEEP) == DELETED
    assert s.pending(b"g") == [((3, 0), b"c", 0, 1)]
    # even an entry that is gone is forgotten
    assert s.delete((3, 0), DROP) == NOT_FOUND
    assert s.pending(b"g") == []
    assert s.trim(BY_LENGTH, 0, references=ACKED) == 2
    assert s.range(read=0) == [(n, 0) for n in range(6, 11)]
    s.put_pending(b"g", (8, 0), b"c", 0, 1)
    assert s.trim(BY_ID, (9, 0), approximate=True, references=DROP) == 0
    assert s.trim(BY_ID, (9, 0), references=DROP) == 3
    assert s.pending(b"g") == []
    assert s.info["first"] == (9, 0)


def test_the_next_id_follows_the_clock_and_the_last_one() -> None:
    s = StreamValue()
    assert s.next_id(0) == (0, 1)
    assert s.next_id(5) == (5, 0)
    s.append((7, 3), [(b"f", b"v")])
    assert s.next_id(6) == s.next_id(7) == (7, 4)
    assert s.next_id(8) == (8, 0)
    s.set_id((7, TOP))
    assert s.next_id(7) == (8, 0)
    s.set_id((TOP, TOP))
    assert s.next_id(7) is None


def radix_nodes(ids: list[tuple[int, int]]) -> int:
    """The nodes of a radix tree that has a node for each place where keys part, and one for each run of bytes between two such."""
    keys = [ms.to_bytes(8, "big") + seq.to_bytes(8, "big") for ms, seq in ids]

    def below(keys: list[bytes], depth: int) -> int:
        if len(keys) == 1:
            return 1 + (depth < 16)
        common = next(n for n in range(depth, 16) if len({key[n] for key in keys}) > 1)
        children: dict[int, list[bytes]] = {}
        for key in keys:
            children.setdefault(key[common], []).append(key)
        return 1 + (common > depth) + sum(below(group, common + 1) for group in children.values())

    return below(keys, 0) if keys else 1


@given(ids=st.sets(st.tuples(st.sampled_from([0, 1, 255, 256, 2**40]), st.integers(0, 600)), max_size=40))
@settings(deadline=None)
def test_tells_the_nodes_of_a_radix_tree(ids: set[tuple[int, int]]) -> None:
    s = StreamValue(max_entries=1)
    ordered = sorted(ids - {(0, 0)})
    for id in ordered:
        s.append(id, [(b"f", b"v")])
    assert s.radix_nodes == radix_nodes(ordered)
