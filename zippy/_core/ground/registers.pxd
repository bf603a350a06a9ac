"""The registers of a HyperLogLog: 16384 numbers of six bits, dense (packed, the first one in the lowest bits) or a byte each.

A byte each is how they are merged and counted; such an array is called raw here.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    REGISTERS = 16384
    REGISTER_BITS = 6
    REGISTER_VALUES = 64                # that six bits can have
    DENSE_BYTES = REGISTERS * REGISTER_BITS // 8

cdef enum RegisterUnit:
    # what computes with them; the higher the faster
    UNIT_PLAIN = 0                      # C for any processor
    UNIT_NEON = 1
    UNIT_AVX2 = 2
    UNIT_AVX512 = 3                     # with VBMI

cdef int registers_unit() noexcept nogil                # the RegisterUnit in use
cdef int registers_best_unit() noexcept nogil           # the best one that this processor has: it is in use from the import on
# Uses another one from now on, in the whole process; False: this processor lacks it
cdef bint registers_use(int unit) noexcept nogil
cdef uint8_t registers_get(const uint8_t* dense, uint32_t index) noexcept nogil
cdef void registers_set(uint8_t* dense, uint32_t index, uint8_t value) noexcept nogil
# Each of raw becomes the larger one of itself and of its counterpart; the arrays may begin at any address
cdef void registers_merge(uint8_t* raw, const uint8_t* dense) noexcept nogil
cdef void registers_pack(const uint8_t* raw, uint8_t* dense) noexcept nogil          # values are below REGISTER_VALUES
cdef void registers_count(const uint8_t* raw, uint32_t* counts) noexcept nogil       # how many have each of REGISTER_VALUES
