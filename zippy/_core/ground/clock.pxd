"""The one clock of an engine: refreshed once a turn; tests freeze and set it."""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <time.h>
    #if defined(__x86_64__)
    static inline uint64_t zippy_ticks(void) { return __builtin_ia32_rdtsc(); }
    #elif defined(__aarch64__)
    static inline uint64_t zippy_ticks(void) { uint64_t t; __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t)); return t; }
    #else
    static inline uint64_t zippy_ticks(void) {
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
    }
    #endif
    """
    uint64_t clock_ticks "zippy_ticks"() noexcept nogil       # a cheap counter for command durations (CPU time stamp counter)


cdef struct Clock:
    int64_t ms         # ms since the epoch, wall time
    int64_t us         # us since the epoch, wall time
    int64_t mono_us    # us of the monotonic clock
    bint frozen        # set by tests: refresh changes nothing
    int64_t ahead_us        # us by which wall time is ahead of the system's, 0 but in tests
    int64_t mono_ahead_us   # the same of the monotonic clock, which keeps it when wall time goes back to the system's


cdef void clock_refresh(Clock* c) noexcept nogil
cdef void clock_set(Clock* c, int64_t us) noexcept nogil      # freezes wall time at us since the epoch; mono moves along
cdef void clock_thaw(Clock* c) noexcept nogil
cdef void clock_advance(Clock* c, int64_t us) noexcept nogil  # moves both clocks on, us >= 0; frozen or not, they stay as they are
cdef void clock_restore(Clock* c) noexcept nogil              # thaws it, at the system's wall time
cdef double clock_ticks_per_us() noexcept nogil
