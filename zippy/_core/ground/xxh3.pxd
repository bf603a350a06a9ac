"""XXH3, the 64-bit variant without a seed, from its specification (xxhash_spec.md, version 0.2.0)."""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t

cdef enum:
    XXH3_TEXT = 17       # bytes of a digest as text, with its NUL


cdef uint64_t xxh3(const void* data, size_t length) noexcept nogil
cdef void xxh3_text(char* dst, const void* data, size_t length) noexcept nogil     # 16 hexadecimal digits in small letters, and NUL
