"""The allocator: contents, alignment, exact accounting, memory given back."""

import random
import resource
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import Blocks, give_back, good_size, leave_in_steps, leaves, release, resident, spare

SIZES = st.integers(0, 300) | st.integers(0, 20000) | st.sampled_from([16383, 16384, 16385, 65536, 200000])
PLACES = st.integers(0, 39)
MIB = 1 << 20
slabs_only = pytest.mark.skipif(mem_shim.SANITIZED, reason="every block is malloc's own in a sanitizer build")


class MemMachine(RuleBasedStateMachine):
    """Any mix of calls keeps every block's bytes and an exact account."""

    def __init__(self):
        super().__init__()
        self.blocks = Blocks(40)

    @rule(place=PLACES, size=SIZES, zeroed=st.booleans())
    def alloc(self, place, size, zeroed):
        self.blocks.free(place)
        self.blocks.alloc(place, size, zeroed)
        assert self.blocks.size(place) >= good_size(size) >= size

    @rule(place=PLACES, size=SIZES)
    def realloc(self, place, size):
        self.blocks.realloc(place, size)
        assert self.blocks.size(place) >= size

    @rule(place=PLACES)
    def free(self, place):
        self.blocks.free(place)

    @rule()
    def release(self):
        release()

    @invariant()
    def exact(self):
        live = [i for i in range(40) if self.blocks.live(i)]
        for i in live:
            self.blocks.check(i)
        assert self.blocks.count == len(live)
        assert self.blocks.used == sum(self.blocks.size(i) for i in live) <= self.blocks.peak

    def teardown(self):
        for i in range(40):
            self.blocks.free(i)
        assert self.blocks.used == 0 and self.blocks.count == 0


MemMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
TestMem = MemMachine.TestCase


@slabs_only
class TestClasses:
    def test_waste_is_small(self):
        assert [good_size(n) for n in (0, 1, 8, 9, 24, 25, 128, 129, 1024, 1025, 4096, 16384)] == [
            8, 8, 8, 16, 24, 32, 128, 144, 1024, 1152, 4096, 16384,
        ]  # fmt: skip
        for size in range(129, 16385):
            assert size <= good_size(size) < size * 1.26
        for size in range(129, 4097):
            assert good_size(size) < size * 1.13

    def test_alignment(self):
        blocks = Blocks(64)
        for size in range(1, 16385, 41):
            for i in range(64):
                blocks.alloc(i, size)
            step = next(step for step in (64, 16, 8) if blocks.size(0) % step == 0)
            assert blocks.size(0) == good_size(size)
            for i in range(64):
                assert blocks.address(i) % step == 0
                blocks.free(i)

    def test_blocks_do_not_overlap(self):
        blocks = Blocks(3000)
        for size in (8, 24, 72, 320, 4096, 5440, 13056):
            for i in range(3000 if size < 4000 else 300):
                blocks.alloc(i, size)
            for i in range(3000):
                blocks.check(i)
                blocks.free(i)
        assert blocks.used == 0


class TestFailure:
    def test_impossible_sizes(self):
        blocks = Blocks(1)
        blocks.alloc(0, 100)
        used = blocks.used
        assert not blocks.can_alloc(1 << 62)
        assert not blocks.can_realloc(0, 1 << 62)
        blocks.realloc(0, 50000)
        assert not blocks.can_realloc(0, 1 << 62)
        blocks.realloc(0, 100)
        assert blocks.used == used and blocks.count == 1

    def test_nobody_may_be_charged(self):
        assert mem_shim.charged_to_nobody()


@slabs_only
class TestGivingBack:
    def fill(self, blocks, count, size):
        for i in range(count):
            blocks.alloc(i, size)

    def test_all_is_given_back(self):
        release()
        before = resident()
        blocks = Blocks(20000)
        self.fill(blocks, 20000, 1000)
        assert resident() - before >= 20 * 1000 * 1000
        assert resident() - before < 20.48 * MIB + 3 * MIB
        for i in random.Random(1).sample(range(20000), 20000):
            blocks.free(i)
        del blocks
        for _ in range(10):
            high = resident()
            assert give_back(16)
            assert MIB <= high - resident() < 1.1 * MIB
        while give_back(16, 2 * MIB):
            pass
        assert spare() == 2 * MIB
        while give_back(16):
            pass
        assert spare() == 0
        assert resident() - before <= 2 * MIB
        release()
        assert resident() <= before

    def test_current_slabs_are_given_back_too(self):
        release()
        before = resident()
        blocks = Blocks(1)
        for size in range(16, 16000, 500):
            blocks.alloc(0, size)
            blocks.free(0)
        assert resident() > before
        del blocks
        release()
        assert resident() <= before

    def test_fuller_slabs_are_filled_first(self):
        """A quarter stays, spread over all slabs; with random frees and as many allocations the emptier slabs drain."""
        chance = random.Random(2)
        blocks = Blocks(40000)
        release()
        before = resident()
        self.fill(blocks, 40000, 128)
        full = resident() - before
        idle = chance.sample(range(40000), 30000)
        for i in idle:
            blocks.free(i)
        assert resident() - before > 0.9 * full
        for _ in range(30):
            idle = set(idle)
            gone = chance.sample([i for i in range(40000) if i not in idle], 2000)
            for i in gone:
                blocks.free(i)
            for i in list(idle)[:2000]:
                blocks.alloc(i, 128)
                idle.discard(i)
            idle.update(gone)
        assert sum(blocks.live(i) for i in range(40000)) == 10000
        release()
        assert resident() - before < 0.4 * full

    def test_freed_memory_is_used_again(self):
        blocks = Blocks(2000)
        self.fill(blocks, 2000, 512)
        high = resident()
        for _ in range(20):
            for i in range(0, 2000, 2):
                blocks.free(i)
            for i in range(0, 2000, 2):
                blocks.alloc(i, 512)
        assert resident() == high


@slabs_only
class TestMappings:
    """Blocks of 32 MiB and more, each a mapping of its own."""

    def test_grow_and_shrink_between_the_kinds(self):
        chance = random.Random(5)
        before = resident()
        blocks = Blocks(4)
        sizes = {}
        for _ in range(40):
            i = chance.randrange(4)
            size = chance.choice([chance.randrange(1, 100_000), chance.randrange(31 * MIB, 33 * MIB), chance.randrange(32 * MIB, 40 * MIB)])
            if i not in sizes:
                blocks.alloc(i, size, chance.random() < 0.5)
            elif chance.random() < 0.2:
                blocks.free(i)
                del sizes[i]
                continue
            elif chance.random() < 0.2:
                assert blocks.can_realloc(i, size, mapped=True)
            else:
                blocks.realloc(i, size)
            sizes[i] = size
            assert blocks.size(i) >= size
            if size >= 32 * MIB:
                assert blocks.size(i) == good_size(size) < size + 8192
                assert blocks.address(i) % 65536 == 64
            for k in sizes:
                blocks.check(k)
            assert blocks.used == sum(blocks.size(k) for k in sizes)
        for i in sizes:
            blocks.free(i)
        release()
        assert (blocks.used, blocks.count) == (0, 0)
        assert resident() <= before

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux maps pages elsewhere")
    def test_growing_copies_nothing(self):
        """What is there is mapped elsewhere where another mapping is in the way."""
        blocks = Blocks(2)
        blocks.alloc(0, 32 * MIB)
        addresses = {blocks.address(0)}
        faults = 0
        for size in range(33, 41):
            blocks.alloc(1, 32 * MIB)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            assert blocks.can_realloc(0, size * MIB)
            faults += resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            addresses.add(blocks.address(0))
            blocks.free(1)
        assert len(addresses) > 1
        # a copy would touch 8,192 pages and more each time
        assert faults < 200
        blocks.free(0)

    def test_a_smaller_one_that_grows(self):
        """It is one when it is asked to be, and stays one until it shrinks."""
        blocks = Blocks(2)
        blocks.alloc(0, 2 * MIB)
        assert not blocks.is_mapped(0)
        assert blocks.can_realloc(0, 2 * MIB, mapped=True)
        for size in (2, 3, 33):
            assert blocks.can_realloc(0, size * MIB)
            assert blocks.is_mapped(0)
            assert blocks.size(0) == blocks.used
        assert blocks.can_realloc(0, MIB)
        assert not blocks.is_mapped(0)
        blocks.alloc(1, 100)
        assert blocks.can_realloc(1, 100, mapped=True)
        assert not blocks.is_mapped(1)

    def test_of_no_size_that_there_is(self):
        blocks = Blocks(1)
        blocks.alloc(0, 32 * MIB)
        assert not blocks.can_realloc(0, 1 << 62)
        assert not blocks.can_realloc(0, 1 << 62, mapped=True)
        assert not blocks.can_alloc(1 << 62)
        blocks.check(0)
        blocks.free(0)


@slabs_only
class TestLeaving:
    """Large blocks, whose pages go back by and by."""

    @pytest.fixture(autouse=True)
    def giver(self):
        release()
        leave_in_steps(True)
        yield
        leave_in_steps(False)
        assert not leaves()

    def test_in_steps(self):
        before = resident()
        blocks = Blocks(1)
        blocks.alloc(0, 40 * MIB + 12345)
        blocks.free(0)
        assert (blocks.used, blocks.count) == (0, 0)
        assert resident() - before > 40 * MIB
        for step in range(1, 20):
            assert give_back(32)
            assert 0 <= before + 40 * MIB + 12345 + 8 * 4096 - resident() - step * 2 * MIB < MIB
        while give_back(32):
            pass
        assert not leaves()
        assert resident() == before

    def test_what_is_around_it_is_not_touched(self):
        """The pages at both ends may be shared with other blocks."""
        blocks = Blocks(30)
        for size in (5 * MIB, 17 * MIB + 1, 30 * MIB - 70_000):
            for i in range(0, 30, 3):
                blocks.alloc(i, 100_000 + i)
                blocks.alloc(i + 1, size)
                blocks.alloc(i + 2, 17_000 + i)
            for i in range(0, 30, 3):
                blocks.free(i + 1)
                while give_back(8):
                    pass
                for k in range(30):
                    blocks.check(k)
            for k in (*range(0, 30, 3), *range(2, 30, 3)):
                blocks.free(k)

    def test_one_at_a_time(self):
        before = resident()
        blocks = Blocks(3)
        for i in range(3):
            blocks.alloc(i, 16 * MIB)
        for i in range(3):
            blocks.free(i)
        assert 16 * MIB < resident() - before < 17 * MIB

    def test_at_once_where_nobody_gives_back(self):
        before = resident()
        leave_in_steps(True)
        leave_in_steps(False)
        blocks = Blocks(1)
        blocks.alloc(0, 16 * MIB)
        blocks.free(0)
        assert leaves()
        leave_in_steps(False)
        assert not leaves()
        blocks.alloc(0, 16 * MIB)
        blocks.free(0)
        assert resident() == before
        leave_in_steps(True)

    def test_short_ones_at_once(self):
        before = resident()
        blocks = Blocks(1)
        blocks.alloc(0, 3 * MIB)
        blocks.free(0)
        assert not leaves()
        assert resident() == before
