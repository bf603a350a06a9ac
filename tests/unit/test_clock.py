"""The clock: real, frozen, thawed."""

import time

from zippy._core.testing.clock_shim import Time, ticks, ticks_per_us


def both_now():
    """The system's wall time and its monotonic clock, us."""
    return time.time_ns() // 1000, time.monotonic_ns() // 1000


class TestClock:
    def test_real_time(self):
        before = both_now()
        ms, us, mono = Time().now
        after = both_now()
        assert before[0] <= us <= after[0]
        assert ms == us // 1000
        assert before[1] <= mono <= after[1]

    def test_moves_only_when_refreshed(self):
        clock = Time()
        before = clock.now
        while time.time_ns() // 1000 <= before[1] + 10:
            pass
        assert clock.now == before
        clock.refresh()
        assert clock.now[1] > before[1] and clock.now[2] > before[2]

    def test_frozen(self):
        clock = Time()
        clock.set(5_000_000_000_001_234)
        mono = clock.now[2]
        assert clock.now[:2] == (5_000_000_000_001, 5_000_000_000_001_234)
        clock.refresh()
        assert clock.now == (5_000_000_000_001, 5_000_000_000_001_234, mono)

    def test_the_monotonic_clock_moves_along_and_never_back(self):
        clock = Time()
        clock.set(2_000_000_000_000_000)
        mono = clock.now[2]
        clock.set(2_000_000_000_500_000)
        assert clock.now[2] == mono + 500_000
        clock.set(1_000_000_000_000_000)
        assert clock.now[1:] == (1_000_000_000_000_000, mono + 500_000)

    def test_thawed(self):
        clock = Time()
        clock.set(1)
        before = both_now()
        clock.thaw()
        assert before[0] <= clock.now[1] <= both_now()[0]

    def test_advanced(self):
        """Both clocks are moved and go on from there; wall time can go back to the system's, the monotonic clock does not."""
        minute = 60_000_000
        clock = Time()
        clock.advance(minute)
        before = both_now()
        clock.refresh()
        after = both_now()
        assert before[0] <= clock.now[1] - minute <= after[0]
        assert before[1] <= clock.now[2] - minute <= after[1]
        clock.restore()
        last = both_now()
        assert after[0] <= clock.now[1] <= last[0]
        assert after[1] <= clock.now[2] - minute <= last[1]

    def test_advanced_while_frozen(self):
        clock = Time()
        clock.set(2_000_000_000_000_000)
        mono = clock.now[2]
        clock.advance(1_500_000)
        clock.refresh()
        assert clock.now == (2_000_000_001_500, 2_000_000_001_500_000, mono + 1_500_000)
        before = both_now()
        clock.thaw()
        assert before[0] <= clock.now[1] - 1_500_000 <= both_now()[0]

    def test_ticks_measure_time(self):
        """Whatever the machine does between two looks at a clock: more than what passed within them, less than what passed around them."""
        rate = ticks_per_us()
        before = time.monotonic_ns()
        start = ticks()
        begin = time.monotonic_ns()
        while time.monotonic_ns() - begin < 2_000_000:
            pass
        within = time.monotonic_ns() - begin
        measured = (ticks() - start) / rate * 1000
        around = time.monotonic_ns() - before
        assert 0.95 * within < measured < 1.05 * around
