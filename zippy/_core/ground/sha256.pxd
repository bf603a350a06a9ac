"""SHA-256 (FIPS 180-4): what is kept of a password."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t

cdef enum:
    SHA256_BYTES = 32


cdef void sha256(const void* data, size_t len, uint8_t* sum) noexcept nogil      # writes SHA256_BYTES
# Compares two sums in a time that does not depend on what they are
cdef bint sha256_equal(const uint8_t* a, const uint8_t* b) noexcept nogil
