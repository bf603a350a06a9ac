"""The one clock of an engine: refreshed once a turn; tests freeze and set it."""

from libc.stdint cimport int64_t, uint64_t


cdef struct Clock:
    int64_t ms         # ms since the epoch, wall time
    int64_t us         # us since the epoch, wall time
    int64_t mono_us    # us of the monotonic clock
    bint frozen        # set by tests: refresh changes nothing


cdef void clock_refresh(Clock* c) noexcept nogil
cdef void clock_set(Clock* c, int64_t us) noexcept nogil      # freezes wall time at us since the epoch; mono moves along
cdef void clock_thaw(Clock* c) noexcept nogil
cdef uint64_t clock_ticks() noexcept nogil                    # a cheap counter for command durations (CPU time stamp counter)
cdef double clock_ticks_per_us() noexcept nogil
