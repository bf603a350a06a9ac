"""LZF compression, as in RDB files and quicklist nodes."""

from libc.stddef cimport size_t


# bytes written, 0 when it does not fit in room
cdef size_t lzf_compress(const void* src, size_t len, void* dst, size_t room) noexcept nogil
# bytes written, 0 for malformed input or too little room
cdef size_t lzf_decompress(const void* src, size_t len, void* dst, size_t room) noexcept nogil
