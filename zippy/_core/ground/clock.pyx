# Wall clock and monotonic clock are read side by side once a turn. The CPU's counter serves where only a span is wanted; it is calibrated
# against the monotonic clock over the process's life.

cdef extern from *:
    """
    #include <time.h>
    #include <stdint.h>
    static inline int64_t zippy_clock_us(clockid_t id) {
        struct timespec ts;
        clock_gettime(id, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    }
    """
    int CLOCK_REALTIME
    int CLOCK_MONOTONIC
    int64_t zippy_clock_us(int id) noexcept nogil


cdef enum:
    READINGS = 5   # of both clocks; the one that took least time counts: a process may be stopped between the two


cdef struct Moment:
    int64_t us
    uint64_t ticks


cdef Moment moment() noexcept nogil:
    """The monotonic clock and the CPU's counter at one time."""
    cdef Moment best = Moment(0, 0)
    cdef Moment found
    cdef uint64_t least = ~<uint64_t>0
    cdef uint64_t before
    cdef int _
    for _ in range(READINGS):
        before = clock_ticks()
        found.us = zippy_clock_us(CLOCK_MONOTONIC)
        found.ticks = clock_ticks()
        if found.ticks - before <= least:
            least = found.ticks - before
            best = found
    return best


cdef Moment calibration = moment()
cdef double ticks_per_us = 0
cdef uint64_t measured_again = 0  # when it is, by the counter; 0: it is exact


cdef void clock_refresh(Clock* c) noexcept nogil:
    if c.frozen:
        return
    c.us = zippy_clock_us(CLOCK_REALTIME) + c.ahead_us
    c.ms = c.us // 1000
    c.mono_us = zippy_clock_us(CLOCK_MONOTONIC) + c.mono_ahead_us


cdef void clock_set(Clock* c, int64_t us) noexcept nogil:
    if us > c.us:
        c.mono_us += us - c.us
    c.frozen = True
    c.us = us
    c.ms = us // 1000


cdef void clock_thaw(Clock* c) noexcept nogil:
    c.frozen = False
    clock_refresh(c)


cdef void clock_advance(Clock* c, int64_t us) noexcept nogil:
    c.ahead_us += us
    c.mono_ahead_us += us
    if c.frozen:
        c.us += us
        c.ms = c.us // 1000
        c.mono_us += us
    else:
        clock_refresh(c)


cdef void clock_restore(Clock* c) noexcept nogil:
    c.ahead_us = 0
    clock_thaw(c)


cdef double clock_ticks_per_us() noexcept nogil:
    # measured over the process's life, each time that it is twice as long, until it is long enough to be exact to a millionth
    global ticks_per_us, measured_again
    cdef Moment now
    if ticks_per_us and (not measured_again or clock_ticks() < measured_again):
        return ticks_per_us
    now = moment()
    while now.us - calibration.us < 1000:
        now = moment()
    ticks_per_us = <double>(now.ticks - calibration.ticks) / (now.us - calibration.us)
    measured_again = 0 if now.us - calibration.us >= 1000000 else now.ticks + (now.ticks - calibration.ticks)
    return ticks_per_us
