"""The hash table against a Python set, and its promises: memory, scanning, randomness."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zippy._core.testing.hashtable_shim import Table

KEYS = st.integers(0, 400).map(lambda n: b"k%d" % n)


def numbers(start, stop):
    return {b"%d" % n for n in range(start, stop)}


class TableMachine(RuleBasedStateMachine):
    """Any mix of calls leaves the table equal to a set."""

    def __init__(self):
        super().__init__()
        self.table = Table()
        self.model = set()
        self.paused = 0
        self.next_number = 0

    @rule(key=KEYS | st.binary(max_size=40))
    def add(self, key):
        assert self.table.add(key) == (key not in self.model)
        self.model.add(key)

    @rule(count=st.integers(1, 300))
    def add_many(self, count):
        for n in range(self.next_number, self.next_number + count):
            assert self.table.add(b"n%d" % n)
            self.model.add(b"n%d" % n)
        self.next_number += count

    @rule(key=KEYS)
    def discard(self, key):
        assert self.table.discard(key) == (key in self.model)
        self.model.discard(key)

    @rule(every=st.integers(1, 4))
    def discard_many(self, every):
        for key in sorted(self.model)[::every]:
            assert self.table.discard(key)
            self.model.discard(key)

    @rule(key=KEYS)
    def move(self, key):
        assert self.table.move(key) == (key in self.model)

    @rule()
    def pause(self):
        self.table.pause()
        self.paused += 1

    @precondition(lambda self: self.paused)
    @rule()
    def resume(self):
        self.table.resume()
        self.paused -= 1

    @rule(count=st.integers(0, 2000))
    def reserve(self, count):
        self.table.reserve(count)

    @rule(every=st.integers(2, 5))
    def walk(self, every):
        order = self.table.walk()
        assert len(order) == len(set(order)) and set(order) == self.model
        assert self.table.walk() == order
        gone = set(order[::every])
        assert self.table.walk(gone.__contains__) == order
        self.model -= gone

    @rule(cursor=st.integers(0, 2**64 - 1), remove=st.booleans())
    def scan_step(self, cursor, remove):
        _, keys = self.table.scan(cursor, remove)
        assert len(keys) == len(set(keys)) and self.model.issuperset(keys)
        if remove:
            self.model.difference_update(keys)

    @rule()
    def pick(self):
        key = self.table.pick()
        assert key in self.model if self.model else key is None

    @invariant()
    def equal(self):
        assert len(self.table) == len(self.model)
        assert all(key in self.table for key in self.model)

    def teardown(self):
        self.table.clear()
        assert self.table.blocks == 0 and self.table.used == 0


TableMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestTable = TableMachine.TestCase


class TestSize:
    def test_small_tables_are_one_bucket(self):
        table = Table()
        assert table.memory == 0
        for n in range(12):
            table.add(b"%d" % n)
            assert table.memory <= 64 + 8 + (32 if n >= 9 else 0)
            assert table.buckets == 1

    def test_bytes_per_item(self):
        table = Table()
        total = checked = 0
        for stop in range(200, 40000, 200):
            table.add_range(stop - 200, stop)
            assert table.memory / stop < (8.6 if stop > 1000 else 9.5)
            total += table.memory / stop
            checked += 1
        assert total / checked < 8.25

    def test_memory_is_what_the_account_says(self):
        table = Table()
        for stop in (1, 5, 20, 100, 700, 3000, 9000):
            table.add_range(len(table), stop)
            items = sum(item_size(key) for key in table.walk())
            assert table.used - items == table.memory

    def test_shrinks_with_its_items(self):
        table = Table()
        table.add_range(0, 20000)
        full = table.memory
        for n in range(19900):
            table.discard(b"%d" % n)
        assert table.memory < full / 100
        assert set(table.walk()) == numbers(19900, 20000)

    def test_reserve_makes_room_at_once(self):
        table = Table()
        table.reserve(10000)
        buckets = table.buckets
        table.add_range(0, 10000)
        assert table.buckets == buckets
        table.reserve(20000)
        assert table.buckets >= 2 * buckets - 1
        assert set(table.walk()) == numbers(0, 10000)

    def test_a_border_is_not_crossed_back_and_forth(self):
        table = Table()
        table.add_range(0, 1000)
        seen = set()
        for _ in range(50):
            table.add(b"x")
            seen.add(table.buckets)
            table.discard(b"x")
            seen.add(table.buckets)
        assert len(seen) <= 2


def item_size(key):
    """What the allocator gives a block of 8 bytes and the key."""
    probe = Table()
    probe.add(key)
    return probe.used - probe.memory


class TestPause:
    def test_insertions_while_paused_are_caught_up(self):
        table = Table()
        table.add_range(0, 10)
        buckets = table.buckets
        table.pause()
        table.add_range(10, 3000)
        assert table.buckets == buckets
        assert all(key in table for key in numbers(0, 3000))
        table.resume()
        previous = table.buckets
        for n in range(3000, 3400):
            table.add(b"%d" % n)
            assert table.buckets - previous <= 2
            previous = table.buckets
        assert table.buckets > 3400 / 12.5
        assert set(table.walk()) == numbers(0, 3400)

    def test_an_iteration_survives_insertions_and_removals(self):
        table = Table()
        table.add_range(0, 500)
        order = table.walk(lambda key: key.isdigit() and int(key) % 3 == 0, extra=[b"x%d" % n for n in range(400)])
        assert len(order) == len(set(order))
        assert numbers(0, 500) <= set(order)
        assert table.discard(b"0") is False and table.discard(b"1") is True

    def test_removing_all_while_iterating_leaves_a_small_table(self):
        table = Table()
        table.add_range(0, 5000)
        table.walk(lambda key: True)
        assert len(table) == 0 and table.buckets <= 1


class TestScan:
    def scan_all(self, table):
        cursor, seen = table.scan(0)
        while cursor:
            cursor, keys = table.scan(cursor)
            seen += keys
        return seen

    @pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 20, 100, 1000, 5000])
    def test_a_quiet_table_reports_each_item_once(self, count):
        table = Table()
        table.add_range(0, count)
        assert sorted(self.scan_all(table)) == sorted(numbers(0, count))

    def test_cursors_are_small_numbers(self):
        table = Table()
        table.add_range(0, 1000)
        cursor, _ = table.scan(0)
        while cursor:
            assert cursor < 256
            cursor, _ = table.scan(cursor)

    @given(st.integers(0, 2**64 - 1), st.integers(0, 200))
    def test_any_cursor_is_harmless(self, cursor, count):
        table = Table()
        table.add_range(0, count)
        for _ in range(300):
            cursor, _ = table.scan(cursor)
            if cursor == 0:
                break
        assert cursor == 0

    @given(
        st.integers(0, 600),
        st.lists(st.tuples(st.integers(1, 12), st.integers(-600, 600)), min_size=1, max_size=30),
    )
    @settings(max_examples=150)
    def test_what_stays_is_seen(self, count, changes):
        """Between the steps the table grows and shrinks at will; `stay` is there from the first step to the last."""
        table = Table()
        stay = {b"s%d" % n for n in range(40)}
        for key in stay:
            table.add(key)
        table.add_range(0, count)
        low, high = 0, count
        cursor, seen = 0, set()
        for steps, change in itertools.cycle(changes):
            for _ in range(steps):
                cursor, keys = table.scan(cursor)
                seen.update(keys)
                if cursor == 0:
                    assert stay <= seen
                    return
            if change > 0 and high - low < 4000:
                table.add_range(high, high + change)
                high += change
            else:
                for n in range(low, min(high, low + abs(change))):
                    table.discard(b"%d" % n)
                low = min(high, low + abs(change))

    def test_a_scan_that_removes_what_it_sees_empties_the_table(self):
        table = Table()
        table.add_range(0, 4000)
        seen = set()
        cursor = 0
        while True:
            cursor, keys = table.scan(cursor, remove=True)
            seen.update(keys)
            if cursor == 0:
                break
        assert seen == numbers(0, 4000) and len(table) == 0 and table.buckets <= 2

    @pytest.mark.parametrize("at_once", [True, False], ids=["as they are seen", "after the step"])
    @pytest.mark.parametrize("stay", [0, 7])
    def test_removing_in_the_order_of_a_scan_makes_no_long_bucket(self, at_once, stay):
        """What is left of the items is side by side: a table as small as its items would hold them in one bucket."""
        count = 200_000
        table = Table()
        table.add_range(0, count)
        cursor = longest = 0
        while len(table) > stay:
            cursor, keys = table.scan(cursor, remove=at_once)
            longest = max(longest, len(keys))
            if not at_once:
                for key in keys:
                    table.discard(key)
        assert longest <= 50
        while not table.shrink(100):
            pass
        assert table.buckets <= 2

    def test_what_stays_is_found_while_it_shrinks(self):
        table = Table()
        table.add_range(0, 50_000)
        kept = {key for key in numbers(0, 50_000) if key.endswith(b"77")}
        cursor = 0
        while True:
            cursor, keys = table.scan(cursor)
            for key in set(keys) - kept:
                table.discard(key)
            if cursor == 0:
                break
        while not table.shrink(10):
            assert all(key in table for key in kept)
        assert set(table.walk()) == kept
        assert table.buckets <= len(kept) // 8 + 1


class TestDrain:
    """Freeing in steps."""

    @pytest.mark.parametrize("count", [0, 1, 9, 10, 100, 777, 20000])
    @pytest.mark.parametrize("step", [1, 50, 1 << 30])
    def test_each_item_once_and_little_at_a_time(self, count, step):
        table = Table()
        table.add_range(0, count)
        deepest = max(table.deepest, 9)
        seen = []
        done = False
        while not done:
            done, keys = table.drain(step)
            # whole buckets, each with its tail
            assert len(keys) < step + deepest
            seen += keys
            assert len(table) == count - len(seen)
        assert len(seen) == count and set(seen) == numbers(0, count)
        assert (table.used, table.blocks) == (0, 0)
        table.add_range(0, 100)
        assert len(table) == 100

    def test_no_step_is_left_with_all_buckets(self):
        """The memory of the table goes with the items, not after them."""
        table = Table()
        table.add_range(0, 20000)
        full = table.memory
        while len(table) > 1000:
            table.drain(100)
        assert table.memory < full / 10


class TestRandom:
    def chi_square(self, table, draws):
        hits = dict.fromkeys(table.walk(), 0)
        for _ in range(draws):
            hits[table.pick()] += 1
        expected = draws / len(hits)
        return sum((n - expected) ** 2 / expected for n in hits.values()), len(hits) - 1

    @pytest.mark.parametrize("count", [1, 2, 9, 10, 30, 200])
    def test_uniform(self, count):
        table = Table(seed=count)
        table.add_range(0, count)
        value, freedom = self.chi_square(table, 400 * count)
        assert value < freedom + 5 * (2 * freedom) ** 0.5 + 1

    def test_uniform_in_deep_chains(self):
        table = Table(seed=5)
        table.add_range(0, 20)
        table.pause()
        table.add_range(20, 150)
        for n in range(0, 150, 3):
            table.discard(b"%d" % n)
        value, freedom = self.chi_square(table, 40000)
        assert value < freedom + 5 * (2 * freedom) ** 0.5

    def test_uniform_when_nearly_all_was_removed_while_paused(self):
        table = Table(seed=7)
        table.add_range(0, 20000)
        table.pause()
        for n in range(10, 20000):
            table.discard(b"%d" % n)
        value, freedom = self.chi_square(table, 1500)
        assert value < freedom + 5 * (2 * freedom) ** 0.5

    def test_counting_through_forgets_an_old_depth(self):
        table = Table()
        table.pause()
        table.add_range(0, 2000)
        table.resume()
        for n in range(2000, 3000):
            table.add(b"%d" % n)
        assert table.deepest >= 1990
        for _ in range(100):
            table.pick()
        assert table.deepest < 60
