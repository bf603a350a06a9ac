"""The queue of bytes against a Python model: every reader gets every byte, and what nobody needs any more is freed."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from zippy._core.testing.byte_queue_shim import BLOCK, INSERT, LARGEST_BLOCK, Queue

ROOM = BLOCK - 100  # bytes that an ordinary block is sure to hold
SIZES = st.one_of(
    st.integers(0, 100), st.integers(BLOCK - 200, BLOCK + 50), st.sampled_from([ROOM // 2, 3 * BLOCK, LARGEST_BLOCK, 2 * LARGEST_BLOCK + 5])
)
SOURCE = random.Random(1).randbytes(2 * LARGEST_BLOCK + 100)


def text(size: int, seed: int) -> bytes:
    """Bytes that are not those of another place."""
    at = seed % 50
    return SOURCE[at : at + size]


class QueueMachine(RuleBasedStateMachine):
    """Any mix of calls: what is read is what was put in."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""  # all that was ever put in
        self.readers: dict[int, int] = {}
        self.whole = False  # whether what was put in last may still get something before it
        self.numbers = iter(range(10**6))

    @initialize(kept=st.sampled_from([0, 0, 0, 1, 1000, 3 * BLOCK]))
    def begin(self, kept: int) -> None:
        self.kept = kept
        self.queue = Queue(kept)

    @property
    def needed(self) -> int:
        """The first offset that has to be there still."""
        return min([max(len(self.data) - self.kept, 0), *self.readers.values()])

    @rule(size=SIZES, seed=st.integers(0, 49))
    def put(self, size: int, seed: int) -> None:
        self.queue.put(text(size, seed))
        self.put_at = len(self.data)
        self.data += text(size, seed)
        self.whole = True

    @precondition(lambda self: self.whole and all(at <= self.put_at for at in self.readers.values()))
    @rule(size=st.integers(1, INSERT), seed=st.integers(0, 49))
    def insert(self, size: int, seed: int) -> None:
        self.queue.insert(text(size, seed))
        self.data = self.data[: self.put_at] + text(size, seed) + self.data[self.put_at :]
        self.whole = False

    @rule(size=SIZES.filter(bool))
    def reserve(self, size: int) -> None:
        """What is reserved and not used is no harm."""
        self.queue.reserve(size)

    @rule(back=st.integers(0, 5 * BLOCK))
    def attach(self, back: int) -> None:
        at = len(self.data) - back
        if at < 0:
            return
        number = next(self.numbers)
        if self.queue.attach(number, at):
            self.readers[number] = at
        else:
            assert at < self.needed

    @rule()
    def attach_beyond(self) -> None:
        assert not self.queue.attach(-1, len(self.data) + 1)

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 99), size=SIZES)
    def read(self, which: int, size: int) -> None:
        number = sorted(self.readers)[which % len(self.readers)]
        at = self.readers[number]
        expected = self.data[at : at + size]
        assert self.queue.read(number, size) == expected
        self.readers[number] += len(expected)
        self.whole = False

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 99))
    def detach(self, which: int) -> None:
        number = sorted(self.readers)[which % len(self.readers)]
        self.queue.detach(number)
        del self.readers[number]
        self.whole = False

    @rule()
    def release(self) -> None:
        self.queue.release()
        self.whole = False
        if self.needed == len(self.data):
            assert self.queue.blocks <= 1
            assert self.queue.memory[0] <= BLOCK

    @invariant()
    def adds_up(self) -> None:
        if hasattr(self, "queue"):
            assert self.queue.end == len(self.data)
            assert self.queue.memory[0] == self.queue.memory[1]

    def teardown(self) -> None:
        if hasattr(self, "queue"):
            assert self.queue.close() == (0, 0)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_one_block_does_while_everything_is_read() -> None:
    queue = Queue()
    queue.attach(0, 0)
    for size in (1, 100, 5000, 40, ROOM):
        for _ in range(20):
            queue.put(text(size, size))
            assert queue.read(0, size + 1) == text(size, size)
            assert queue.blocks == 1
    assert queue.memory[0] == BLOCK


def test_a_reader_that_lags_keeps_what_it_needs_and_no_more() -> None:
    queue = Queue()
    queue.attach(0, 0)
    queue.attach(1, 0)
    for _ in range(1000):
        queue.put(text(1000, 1))
        queue.read(0, 1000)
    assert 1_000_000 < queue.memory[0] < 1_200_000
    for left in range(999, -1, -1):
        queue.read(1, 1000)
        assert queue.memory[0] <= left * 1000 * 1.1 + 2 * BLOCK
    assert queue.blocks == 1


def test_what_is_kept_can_be_read_later() -> None:
    queue = Queue(100_000)
    for number in range(1000):
        queue.put(b"%09d\n" % number * 100)
        queue.release()
    assert 100_000 <= queue.memory[0] <= 100_000 + 3 * BLOCK
    assert queue.attach(0, queue.end - 100_000)
    assert queue.read(0, 1000) == b"000000900\n" * 100
    assert not queue.attach(1, 0)


@pytest.mark.parametrize("before", [0, 100, ROOM - 50])
def test_a_large_piece_is_in_blocks_that_are_not_too_large(before: int) -> None:
    queue = Queue()
    queue.attach(0, 0)
    queue.put(text(before, 3))
    size = 20 * LARGEST_BLOCK
    queue.put(b"x" * size)
    assert size < queue.memory[0] < size + LARGEST_BLOCK
    assert queue.blocks >= 20
    queue.insert(b"before")
    assert queue.read(0, size + before + 10) == text(before, 3) + b"before" + b"x" * size
    assert queue.blocks <= 1
