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


cdef int64_t calibration_us = zippy_clock_us(CLOCK_MONOTONIC)
cdef uint64_t calibration_ticks = clock_ticks()
cdef double ticks_per_us = 0


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
    # measured over the process's life until it is long enough to be exact to a millionth
    global ticks_per_us
    cdef int64_t elapsed
    if ticks_per_us == 0:
        elapsed = zippy_clock_us(CLOCK_MONOTONIC) - calibration_us
        if elapsed < 1000:
            while zippy_clock_us(CLOCK_MONOTONIC) - calibration_us < 1000:
                pass
            elapsed = zippy_clock_us(CLOCK_MONOTONIC) - calibration_us
        if elapsed < 1000000:
            return <double>(clock_ticks() - calibration_ticks) / elapsed
        ticks_per_us = <double>(clock_ticks() - calibration_ticks) / elapsed
    return ticks_per_us
