# The clock for tests.

from libc.string cimport memset
from zippy._core.ground.clock cimport (
    Clock, clock_advance, clock_refresh, clock_restore, clock_set, clock_thaw, clock_ticks, clock_ticks_per_us,
)


cdef class Time:
    """A clock of its own."""

    cdef Clock clock

    def __cinit__(self):
        memset(&self.clock, 0, sizeof(Clock))
        clock_refresh(&self.clock)

    def refresh(self):
        clock_refresh(&self.clock)

    def set(self, us):
        clock_set(&self.clock, us)

    def thaw(self):
        clock_thaw(&self.clock)

    def advance(self, us):
        clock_advance(&self.clock, us)

    def restore(self):
        clock_restore(&self.clock)

    @property
    def now(self):
        """Wall ms, wall us, monotonic us."""
        return self.clock.ms, self.clock.us, self.clock.mono_us


def ticks():
    return clock_ticks()


def ticks_per_us():
    return clock_ticks_per_us()
