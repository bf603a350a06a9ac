# A histogram grows while commands run, as their durations happen to be. So its blocks are the C library's and in no engine's account: how
# much memory an engine uses tells of what was asked of it, and is the same for the same requests.

from libc.stdlib cimport calloc, free


cdef extern from *:
    """
    static inline int zippy_bit_length(unsigned long long n) { return n ? 64 - __builtin_clzll(n) : 0; }
    """
    int zippy_bit_length(unsigned long long n) noexcept nogil


cdef void histogram_add(Histogram* h, uint64_t value) noexcept nogil:
    cdef int place
    cdef uint64_t step
    if value > HISTOGRAM_MOST:
        value = HISTOGRAM_MOST
    place = zippy_bit_length(value | HISTOGRAM_STEPS) - 8
    step = (value >> place) - HISTOGRAM_STEPS
    place += 1
    if value < HISTOGRAM_STEPS:
        place = 0
        step = value
    if h.ranges[place] == NULL:
        h.ranges[place] = <uint64_t*>calloc(HISTOGRAM_STEPS, sizeof(uint64_t))
        if h.ranges[place] == NULL:
            # a statistic is not worth failing for
            return
    h.ranges[place][step] += 1


cdef uint64_t histogram_lowest(int place, int step) noexcept nogil:
    return <uint64_t>(HISTOGRAM_STEPS + step) << (place - 1) if place else <uint64_t>step


cdef uint64_t histogram_highest(int place, int step) noexcept nogil:
    return histogram_lowest(place, step) + (<uint64_t>1 << (place - 1) if place else 1) - 1


cdef void histogram_clear(Histogram* h) noexcept nogil:
    cdef int i
    for i in range(HISTOGRAM_RANGES):
        free(h.ranges[i])
        h.ranges[i] = NULL
