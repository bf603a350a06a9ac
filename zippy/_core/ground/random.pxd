"""The one source of randomness of an engine: xoshiro256**, seedable, so that tests repeat."""

from libc.stdint cimport uint64_t


cdef struct Random:
    uint64_t state[4]


cdef void random_seed(Random* r, uint64_t seed) noexcept nogil
cdef uint64_t random_next(Random* r) noexcept nogil                      # 64 uniform bits
cdef uint64_t random_below(Random* r, uint64_t bound) noexcept nogil     # uniform in [0, bound), unbiased; bound > 0
cdef double random_unit(Random* r) noexcept nogil                        # uniform in [0, 1)
