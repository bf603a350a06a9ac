"""SHA-1 (FIPS 180-4): a checksum of data and the name of a script. It is no protection from whoever wants two texts with one sum."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    SHA1_BYTES = 20              # of a sum
    SHA1_BLOCK = 64


cdef struct Sha1:
    uint32_t[5] state
    uint64_t length              # bytes taken so far
    uint8_t[SHA1_BLOCK] block    # the last length % SHA1_BLOCK of them


# Whether this processor's own instructions compute it, from now on; they do from the import on, where it has them
cdef bint sha1_use_instructions(bint wanted) noexcept nogil
cdef void sha1_begin(Sha1* h) noexcept nogil
cdef void sha1_take(Sha1* h, const void* data, size_t len) noexcept nogil
cdef void sha1_end(Sha1* h, uint8_t* sum) noexcept nogil         # writes SHA1_BYTES; h must begin anew then
