# Each part is hashed with its length before it, so that no two values read alike; what has no order is hashed item by item and mixed bit
# by bit.

from zippy._core.ground.sha1 cimport SHA1_BYTES, sha1_take


cdef void digest_number(Sha1* h, uint64_t n) noexcept nogil:
    """In eight bytes, the lowest first, whatever the machine has."""
    cdef uint8_t[8] text
    cdef int i
    for i in range(8):
        text[i] = <uint8_t>(n >> 8 * i)
    sha1_take(h, text, sizeof(text))


cdef void digest_text(Sha1* h, Slice s) noexcept nogil:
    digest_number(h, s.len)
    sha1_take(h, s.ptr, s.len)


cdef void digest_mix(uint8_t* total, const uint8_t* sum) noexcept nogil:
    cdef int i
    for i in range(SHA1_BYTES):
        total[i] ^= sum[i]
