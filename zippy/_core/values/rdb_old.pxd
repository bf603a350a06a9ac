"""The packed blocks of old RDB files, ziplists and zipmaps, made into listpacks."""

from libc.stddef cimport size_t


# Both read untrusted bytes and return a listpack that is the caller's, or NULL when the block is malformed
cdef unsigned char* listpack_of_ziplist(const unsigned char* block, size_t size) noexcept nogil
cdef unsigned char* listpack_of_zipmap(const unsigned char* block, size_t size) noexcept nogil   # fields and values in turn
