"""Strings as arrays of bits, numbered from the most significant bit of the first byte; many bytes at a time."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t


cdef uint64_t bits_count(const void* data, size_t len) noexcept nogil                          # one bits in len bytes
cdef uint64_t bits_count_range(const void* data, int64_t first, int64_t last) noexcept nogil   # of the bits first .. last, which exist
cdef int64_t bits_find(const void* data, int64_t first, int64_t last, bint bit) noexcept nogil  # the first such one of them, or -1
# The next ones change target, in place; source may start anywhere, but must not overlap with target except by being it
cdef void bits_and(void* target, const void* source, size_t len) noexcept nogil
cdef void bits_or(void* target, const void* source, size_t len) noexcept nogil
cdef void bits_xor(void* target, const void* source, size_t len) noexcept nogil
cdef void bits_and_not(void* target, const void* source, size_t len) noexcept nogil                # target and not source
cdef void bits_not_and(void* target, const void* source, size_t len) noexcept nogil                # source and not target
cdef void bits_not(void* target, size_t len) noexcept nogil
# repeated |= seen & source, then seen |= source
cdef void bits_note_repeated(void* repeated, void* seen, const void* source, size_t len) noexcept nogil
# Integers of 1 .. 64 bits at any bit offset, most significant bit first; bits beyond len bytes read as zero and must not be written
cdef uint64_t bits_read(const void* data, size_t len, int64_t offset, int bits) noexcept nogil
cdef void bits_write(void* data, int64_t offset, int bits, uint64_t value) noexcept nogil
