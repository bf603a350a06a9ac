"""How many durations were of what length, to two digits: what a range of a factor of two holds is counted in 128 steps.

The bounds of the steps are those of an HDR histogram of two significant digits, as Redis uses one, so both tell the same percentiles.
"""

from libc.stdint cimport uint64_t

cdef enum:
    HISTOGRAM_RANGES = 24            # of one to 2 ** 30 - 1
    HISTOGRAM_STEPS = 128            # of a range
    HISTOGRAM_MOST = 1000000000      # what is more counts as this


cdef struct Histogram:
    # range 0 is 0 .. 127, range r > 0 is 2 ** (r + 6) .. 2 ** (r + 7) - 1
    uint64_t* ranges[HISTOGRAM_RANGES]       # HISTOGRAM_STEPS counts each, owned; NULL: nothing is in this range


cdef void histogram_add(Histogram* h, uint64_t value) noexcept nogil
cdef uint64_t histogram_lowest(int place, int step) noexcept nogil      # that this step counts
cdef uint64_t histogram_highest(int place, int step) noexcept nogil
cdef void histogram_clear(Histogram* h) noexcept nogil                  # forgets all, and frees what it holds
