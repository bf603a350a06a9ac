"""An entry with a string against a plain Python model: key, value, encoding, expiry and access time survive every change."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from zippy._core.testing.entry_shim import StringEntry

INLINE_MAX = 255
SIZES = st.one_of(st.integers(0, 70), st.integers(240, 270), st.sampled_from([0, 41, 255, 256, 4000, 70_000]))
KEYS = st.one_of(st.binary(max_size=50), st.sampled_from([b"", b"k", b"k" * 41, b"k" * 65535, b"k" * 65536, b"k" * 70_000]))
VALUES = st.one_of(st.binary(max_size=60), SIZES.map(lambda size: b"v" * size), st.integers(-(10**20), 10**20).map(lambda n: b"%d" % n))
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, -1, 2**63 - 1, -(2**63)]))
EXPIRIES = st.one_of(st.none(), st.sampled_from([0, 1, 2**62]))


def is_int(value: bytes) -> bool:
    """Whether SET stores the text as an integer."""
    try:
        return b"%d" % int(value) == value and -(2**63) <= int(value) < 2**63
    except ValueError:
        return False


class EntryMachine(RuleBasedStateMachine):
    """Any chain of changes."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = StringEntry()

    def encode(self) -> None:
        """What the value is called when it was just written."""
        fits = len(self.key) + len(self.value) <= (41 if self.expiry is None else 33)
        self.encoding = "embstr" if fits else "raw"

    def recheck(self) -> None:
        """An embstr that has outgrown its block is raw."""
        if self.encoding == "embstr":
            self.encode()

    @initialize(key=KEYS, value=VALUES, expiry=EXPIRIES)
    def begin(self, key: bytes, value: bytes, expiry: int | None) -> None:
        self.access = 0
        self.create("string", key, value, expiry)

    @rule(kind=st.sampled_from(["string", "text", "raw"]), key=KEYS, value=VALUES, expiry=EXPIRIES)
    def create(self, kind: str, key: bytes, value: bytes, expiry: int | None) -> None:
        self.entry.create(kind, key, value, expiry)
        self.key, self.value, self.expiry, self.access = key, value, expiry, 0
        self.encode()
        if kind == "raw":
            self.encoding = "raw"
        elif kind == "string" and is_int(value):
            self.encoding = "int"

    @rule(key=KEYS, number=NUMBERS, expiry=EXPIRIES)
    def create_int(self, key: bytes, number: int, expiry: int | None) -> None:
        self.entry.create("int", key, number, expiry)
        self.key, self.value, self.expiry, self.access, self.encoding = key, b"%d" % number, expiry, 0, "int"

    @rule(kind=st.sampled_from(["string", "text"]), value=VALUES)
    def set(self, kind: str, value: bytes) -> None:
        self.entry.set(kind, value)
        self.value = value
        self.encode()
        if kind == "string" and is_int(value):
            self.encoding = "int"

    @rule(number=NUMBERS)
    def set_int(self, number: int) -> None:
        self.entry.set("int", number)
        self.value, self.encoding = b"%d" % number, "int"

    @rule(size=SIZES)
    def resize(self, size: int) -> None:
        self.entry.resize(size)
        self.value, self.encoding = self.value[:size].ljust(size, b"\0"), "raw"

    @rule(byte=st.integers(0, 255))
    def fill(self, byte: int) -> None:
        self.entry.fill(byte)
        self.value, self.encoding = bytes([byte]) * len(self.value), "raw"

    @rule()
    def resize_too_far(self) -> None:
        assert self.entry.resize_too_far()

    @rule(expiry=EXPIRIES)
    def set_expiry(self, expiry: int | None) -> None:
        changes = (expiry is None) != (self.expiry is None)
        self.entry.set_expiry(expiry)
        self.expiry = expiry
        if changes:
            self.recheck()

    @rule(key=KEYS)
    def rename(self, key: bytes) -> None:
        self.entry.rename(key)
        self.key = key
        self.recheck()

    @rule(access=st.integers(0, 2**24 - 1))
    def touch(self, access: int) -> None:
        self.entry.access = access
        self.access = access

    @invariant()
    def agrees(self) -> None:
        entry = self.entry
        assert (entry.key, entry.value, entry.encoding, entry.expiry) == (self.key, self.value, self.encoding, self.expiry)
        assert entry.access == self.access
        if entry.inline:
            assert entry.encoding != "int" and len(self.value) <= INLINE_MAX
        assert entry.blocks == (1 if entry.inline or entry.encoding == "int" else 2)
        assert entry.memory == entry.used

    def teardown(self) -> None:
        self.entry.free()
        assert self.entry.blocks == 0
        assert self.entry.used == 0


TestEntryMachine = EntryMachine.TestCase
TestEntryMachine.settings = settings(max_examples=120, stateful_step_count=40)


@pytest.mark.parametrize(("value", "bytes_at_most"), [(b"12345678", 32), (b"v" * 8, 32), (b"v" * 32, 64)])
def test_small_strings_take_one_small_block(value: bytes, bytes_at_most: int) -> None:
    """Key and value of 16 and 8 bytes, or of 16 and 32: header, key and value, nothing else."""
    entry = StringEntry()
    entry.create("string", b"k" * 16, value)
    assert entry.blocks == 1
    assert entry.used <= bytes_at_most


def test_short_strings_stay_in_the_block() -> None:
    """Growing byte by byte keeps the value in the entry up to 255 bytes, and in one blob after that."""
    entry = StringEntry()
    entry.create("string", b"key", b"")
    for size in range(1, 256):
        entry.resize(size)
        assert entry.inline
    entry.resize(256)
    assert not entry.inline
    moves = 0
    for size in range(257, 20_000):
        used = entry.used
        entry.resize(size)
        moves += entry.used != used
    assert moves < 10
