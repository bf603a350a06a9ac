"""A table of keys that are told apart by slot, against a dict of sets; and key slots themselves."""

from __future__ import annotations

import binascii
from collections import defaultdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zippy._core.cluster import SLOTS, key_slot
from zippy._core.testing.verify_shim import Tables

LATER = 4_000_000_000_000
TAGS = [b"", b"{a}", b"{b}", b"{c}"]
KEYS = st.tuples(st.sampled_from(TAGS), st.integers(0, 60)).map(lambda pair: b"%b%d" % pair) | st.binary(max_size=30)


def slot_by_the_book(key: bytes) -> int:
    """CRC-16 (XMODEM) of the key, or of its tag, as the specification of Redis Cluster has it."""
    begin = key.find(b"{")
    end = key.find(b"}", begin + 1) if begin >= 0 else -1
    return binascii.crc_hqx(key[begin + 1 : end] if end > begin + 1 else key, 0) % SLOTS


@given(st.binary(max_size=40) | st.text("{}ab", max_size=12).map(str.encode))
@example(b"{}{a}")
@example(b"{{a}}")
@example(b"a}{b}")
def test_key_slot(key: bytes) -> None:
    assert key_slot(key) == slot_by_the_book(key)


def test_key_slots_of_the_specification() -> None:
    assert key_slot(b"123456789") == 0x31C3 % SLOTS
    assert key_slot(b"{user1000}.following") == key_slot(b"{user1000}.followers") == key_slot(b"user1000")


class SlotMachine(RuleBasedStateMachine):
    """Any mix of calls leaves each slot with the keys that are of it, and no other."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables(in_cluster=True)
        self.model: dict[int, set[bytes]] = defaultdict(set)
        self.numbers = 0

    @property
    def keys(self) -> list[bytes]:
        """All of them."""
        return sorted(key for keys in self.model.values() for key in keys)

    @rule(key=KEYS, expiry=st.sampled_from([-1, LATER]))
    def put(self, key: bytes, expiry: int) -> None:
        if key not in self.model[key_slot(key)]:
            self.tables.put(key, expiry)
            self.model[key_slot(key)].add(key)

    @rule(tag=st.sampled_from(TAGS), count=st.integers(1, 200))
    def put_many(self, tag: bytes, count: int) -> None:
        for number in range(self.numbers, self.numbers + count):
            self.put(b"%bn%d" % (tag, number), -1 if number % 3 else LATER)
        self.numbers += count

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        assert self.tables.delete(key) == (key in self.model[key_slot(key)])
        self.model[key_slot(key)].discard(key)

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.tables.move(key)
        self.tables.expire(key, data.draw(st.sampled_from([-1, LATER])))

    @rule(tag=st.sampled_from(TAGS[1:]))
    def delete_slot(self, tag: bytes) -> None:
        self.tables.delete_slot(key_slot(tag))
        self.model[key_slot(tag)].clear()

    @rule()
    def flush(self) -> None:
        self.tables.flush()
        self.model.clear()

    @rule(entries=st.integers(1, 100))
    def drain(self, entries: int) -> None:
        """No step frees much more than it is asked to."""
        keys = len(self.keys)
        assert self.tables.drain(entries) >= keys // (entries + 48)
        self.model.clear()

    @rule()
    def swap(self) -> None:
        other = Tables(in_cluster=True)
        self.tables.swap(other)
        assert self.tables.count() == 0
        self.tables.swap(other)

    @invariant()
    def slots_are_right(self) -> None:
        assert self.tables.fault() is None
        assert self.tables.count() == len(self.keys)
        for slot, keys in self.model.items():
            assert self.tables.count_slot(slot) == len(keys)
            found: list[bytes] = []
            cursor = self.tables.scan_slot(slot, 0, found)
            while cursor:
                cursor = self.tables.scan_slot(slot, cursor, found)
            assert sorted(found) == sorted(keys)


TestSlotMachine = SlotMachine.TestCase


def test_scan_while_it_grows_and_shrinks() -> None:
    """What is there from the first step to the last is seen."""
    tables = Tables(in_cluster=True)
    slot = key_slot(b"{a}")
    for number in range(1000):
        tables.put(b"{a}%d" % number)
    found: list[bytes] = []
    cursor = tables.scan_slot(slot, 0, found)
    steps = 0
    while cursor:
        for number in range(steps * 40, steps * 40 + 40):
            tables.put(b"{a}more%d" % number)
            tables.delete(b"{a}more%d" % (number - 200))
        for number in range(500 + steps * 5, 505 + steps * 5):
            tables.delete(b"{a}%d" % number)
        cursor = tables.scan_slot(slot, cursor, found)
        steps += 1
    assert {b"{a}%d" % number for number in range(500)} <= set(found)


@pytest.mark.parametrize("tag", [b"", b"{a}"])
def test_memory(tag: bytes) -> None:
    """A slot's place for a key takes some nine bytes, and a slot without keys nothing."""
    plain, tables = Tables(), Tables(in_cluster=True)
    assert tables.memory() == plain.memory()
    for number in range(200_000):
        plain.put(b"%b%d" % (tag, number))
        tables.put(b"%b%d" % (tag, number))
    before = SLOTS * 8
    assert (tables.memory() - plain.memory() - before) / 200_000 < (9 if tag else 17)
    for number in range(200_000):
        plain.delete(b"%b%d" % (tag, number))
        tables.delete(b"%b%d" % (tag, number))
    assert tables.memory() - plain.memory() <= before
