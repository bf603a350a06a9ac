"""A keyed 64-bit hash of byte strings."""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t


cdef void hash_seed(uint64_t seed) noexcept nogil                          # for the whole process, before any table is filled
cdef uint64_t hash_bytes(const void* ptr, size_t len) noexcept nogil
