"""The clock: real, frozen, thawed."""

import time

from zippy._core.testing.clock_shim import Time, ticks, ticks_per_us


class TestClock:
    def test_real_time(self):
        before = time.time_ns() // 1000
        ms, us, mono = Time().now
        assert before <= us <= time.time_ns() // 1000
        assert ms == us // 1000
        assert abs(mono - time.monotonic_ns() // 1000) < 1_000_000

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
        clock.thaw()
        assert abs(clock.now[1] - time.time_ns() // 1000) < 1_000_000

    def test_advanced(self):
        """Both clocks are moved and go on from there; wall time can go back to the system's, the monotonic clock does not."""
        clock = Time()
        before = clock.now
        clock.advance(60_000_000)
        clock.refresh()
        assert 0 <= clock.now[1] - before[1] - 60_000_000 < 1_000_000
        assert 0 <= clock.now[2] - before[2] - 60_000_000 < 1_000_000
        clock.restore()
        assert abs(clock.now[1] - time.time_ns() // 1000) < 1_000_000
        assert 0 <= clock.now[2] - before[2] - 60_000_000 < 1_000_000

    def test_advanced_while_frozen(self):
        clock = Time()
        clock.set(2_000_000_000_000_000)
        mono = clock.now[2]
        clock.advance(1_500_000)
        clock.refresh()
        assert clock.now == (2_000_000_001_500, 2_000_000_001_500_000, mono + 1_500_000)
        clock.thaw()
        assert abs(clock.now[1] - time.time_ns() // 1000 - 1_500_000) < 1_000_000

    def test_ticks_measure_time(self):
        rate = ticks_per_us()
        start, begin = ticks(), time.monotonic_ns()
        while time.monotonic_ns() - begin < 2_000_000:
            pass
        measured = (ticks() - start) / rate
        assert 1_900 < measured < 50_000
