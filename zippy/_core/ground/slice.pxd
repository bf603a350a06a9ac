"""Byte slices: where some bytes are and how many."""

from libc.stddef cimport size_t
from libc.string cimport memcmp


cdef struct Slice:
    const char* ptr  # borrowed; NULL stands for "no value"
    size_t len       # bytes


cdef inline Slice slice_of(const char* ptr, size_t len) noexcept nogil:
    cdef Slice s
    s.ptr = ptr
    s.len = len
    return s


cdef inline bint slice_equal(Slice a, Slice b) noexcept nogil:
    return a.len == b.len and (a.len == 0 or memcmp(a.ptr, b.ptr, a.len) == 0)
