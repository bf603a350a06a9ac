"""Intset: sorted unique integers of 2, 4 or 8 bytes in one block, in Redis's format (little endian)."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t


cdef unsigned char* is_new() noexcept nogil
cdef void is_free(unsigned char* s) noexcept nogil
cdef unsigned char* is_copy(const unsigned char* s) noexcept nogil
cdef unsigned char* is_add(unsigned char* s, int64_t n, bint* added) noexcept nogil
cdef unsigned char* is_remove(unsigned char* s, int64_t n, bint* removed) noexcept nogil
cdef bint is_contains(const unsigned char* s, int64_t n) noexcept nogil
cdef int64_t is_get(const unsigned char* s, uint32_t index) noexcept nogil      # index < is_length
cdef uint32_t is_length(const unsigned char* s) noexcept nogil
cdef size_t is_bytes(const unsigned char* s) noexcept nogil
# is this block of untrusted bytes an intset; deep: sorted and unique
cdef bint is_valid(const unsigned char* s, size_t size, bint deep) noexcept nogil
