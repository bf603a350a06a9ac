"""Sets and hashes against Python's, command by command, with limits low enough that all encodings are met; memory comes back."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.resp import parse
from zippy._core.testing.engine_shim import RecordingEngine

KEYS = st.sampled_from(["a", "b", "c"])
WORDS = st.one_of(
    st.integers(-3, 20).map(lambda n: b"%d" % n),
    st.sampled_from([-(2**63), 2**63 - 1, 2**31, 40_000, -200, 2**63]).map(lambda n: b"%d" % n),
    st.sampled_from([0, 12, 13, 252, 253, 255, 256, 66_000]).map(lambda size: b"x" * size),
    st.sampled_from([b"007", b"-0"]),
    st.binary(max_size=3),
)
METHODS = {"SUNION": "union", "SINTER": "intersection", "SDIFF": "difference"}


class SetsAndHashes(RuleBasedStateMachine):
    """Three sets and three hashes."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = RecordingEngine()
        # what is allocated at first use and kept: buffers of reply and stream
        self.call("SADD", "a", "a")
        self.call("FLUSHALL")
        self.blocks = self.engine.blocks()
        self.sets: dict[str, set[bytes]] = {key: set() for key in "abc"}
        self.hashes: dict[str, dict[bytes, bytes]] = {key: {} for key in "abc"}

    @initialize(entries=st.sampled_from([0, 3, 8]))
    def limit(self, entries: int) -> None:
        self.engine.set_compact_limits(entries, 12)

    def call(self, *words: Any) -> Any:
        return parse(self.engine.call(*words)[0], 0)[0].plain()

    @rule(key=KEYS, members=st.lists(WORDS, min_size=1, max_size=9))
    def sadd(self, key: str, members: list[bytes]) -> None:
        assert self.call("SADD", key, *members) == len(set(members) - self.sets[key])
        self.sets[key].update(members)

    @rule(key=KEYS, members=st.lists(WORDS, min_size=1, max_size=9))
    def srem(self, key: str, members: list[bytes]) -> None:
        assert self.call("SREM", key, *members) == len(set(members) & self.sets[key])
        self.sets[key].difference_update(members)

    @rule(source=KEYS, destination=KEYS, member=WORDS)
    def smove(self, source: str, destination: str, member: bytes) -> None:
        assert self.call("SMOVE", source, destination, member) == (member in self.sets[source])
        if member in self.sets[source]:
            self.sets[source].remove(member)
            self.sets[destination].add(member)

    @rule(key=KEYS, share=st.floats(0, 1))
    def spop(self, key: str, share: float) -> None:
        count = round(share * len(self.sets[key]))
        popped = set(self.call("SPOP", key, count))
        assert len(popped) == count and popped <= self.sets[key]
        self.sets[key] -= popped

    @rule(operation=st.sampled_from(list(METHODS)), destination=KEYS, keys=st.lists(KEYS, min_size=1, max_size=6))
    def combine(self, operation: str, destination: str, keys: list[str]) -> None:
        first, *others = (self.sets[key] for key in keys)
        expected: set[bytes] = getattr(first, METHODS[operation])(*others)
        found = self.call(operation, *keys)
        assert len(found) == len(expected) and set(found) == expected
        assert self.call(operation + "STORE", destination, *keys) == len(expected)
        self.sets[destination] = expected

    @rule(key=KEYS)
    def read_set(self, key: str) -> None:
        assert sorted(self.call("SMEMBERS", key)) == sorted(self.sets[key])
        self.call("COPY", key, "copy", "REPLACE")
        assert sorted(self.call("SMEMBERS", "copy")) == sorted(self.sets[key]) or not self.sets[key]
        assert self.call("SMISMEMBER", key, *self.sets[key], "nowhere") == [1] * len(self.sets[key]) + [0]

    @rule(key=KEYS, fields=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
    def hset(self, key: str, fields: list[tuple[bytes, bytes]]) -> None:
        new = {field for field, _ in fields} - self.hashes[key].keys()
        assert self.call("HSET", "h" + key, *(word for pair in fields for word in pair)) == len(new)
        self.hashes[key].update(fields)

    @rule(key=KEYS, fields=st.lists(WORDS, min_size=1, max_size=9))
    def hdel(self, key: str, fields: list[bytes]) -> None:
        assert self.call("HDEL", "h" + key, *fields) == len(set(fields) & self.hashes[key].keys())
        for field in fields:
            self.hashes[key].pop(field, None)

    @rule(key=KEYS)
    def read_hash(self, key: str) -> None:
        words = self.call("HGETALL", "h" + key)
        assert dict(zip(words[::2], words[1::2], strict=True)) == self.hashes[key]
        for field, value in self.hashes[key].items():
            assert self.call("HGET", "h" + key, field) == value

    def teardown(self) -> None:
        for key in "abc":
            self.read_set(key)
            self.read_hash(key)
        self.call("FLUSHALL")
        assert self.engine.blocks() == self.blocks


TestSetsAndHashes = SetsAndHashes.TestCase
TestSetsAndHashes.settings = settings(max_examples=50, stateful_step_count=40)


def test_freed_in_steps() -> None:
    """A large set or hash goes away a few items at a time, and all of it."""
    engine = RecordingEngine()
    left = []
    for _ in range(2):
        engine.call("SADD", "s", *range(1000))
        engine.call("HSET", "h", *range(2000))
        engine.call("COPY", "h", "copy")
        assert engine.blocks() > 3000
        engine.call("UNLINK", "s", "h", "copy")
        left.append(engine.blocks())
    # the first time leaves the queue and some buffers
    assert left[0] == left[1] < 1000
