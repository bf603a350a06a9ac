"""Byte slices and growable byte buffers."""

from libc.stddef cimport size_t
from zippy._core.ground.slice cimport Slice, slice_equal, slice_of


cdef struct Buf:
    char* data   # owned; NULL while cap is 0
    size_t len   # bytes in use
    size_t cap   # bytes that fit
    bint failed  # there was no memory for something: nothing is taken any more, until buf_clear or buf_free


cdef int slice_compare(Slice a, Slice b) noexcept nogil            # as memcmp, then the shorter first: <0, 0, >0
cdef bint slice_is(Slice s, const char* word) noexcept nogil       # ASCII case-insensitive equality with a NUL-terminated lower-case word
cdef Slice slice_text(const char* text) noexcept nogil             # a slice over a NUL-terminated literal
cdef void buf_init(Buf* b) noexcept nogil
cdef void buf_free(Buf* b) noexcept nogil                          # frees data; the Buf is empty and usable again
cdef void buf_clear(Buf* b) noexcept nogil                         # len = 0, keeps up to 16 KiB of capacity
# Each of the following returns -1 when out of memory, else 0. Who makes a record of several pieces asks `failed` once, when it is complete
cdef int buf_reserve(Buf* b, size_t extra) noexcept nogil          # room for `extra` more bytes, growing by doubling
cdef int buf_append(Buf* b, const void* ptr, size_t len) noexcept nogil
cdef char* buf_add(Buf* b, size_t len) noexcept nogil              # as append, of bytes that its caller writes; NULL when out of memory
cdef int buf_append_byte(Buf* b, char c) noexcept nogil
cdef int buf_append_text(Buf* b, const char* text) noexcept nogil  # a NUL-terminated literal
cdef int buf_append_i64(Buf* b, long long n) noexcept nogil        # decimal text
cdef void buf_drop_front(Buf* b, size_t n) noexcept nogil          # removes the first n bytes
