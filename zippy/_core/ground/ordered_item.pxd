"""The items of an ordered tree, each one block of memory, and how many are sorted.

Order: score, then member bytes as memcmp.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport Slice, slice_of

cdef enum:
    OT_LONG_MEMBER = 255     # a length byte that says: eight bytes of length follow


cdef struct OtItem:
    double score
    # behind the struct: the member's length, in one byte or nine, then its bytes


cdef struct OtRanked:
    # an item that is being sorted
    uint64_t key             # ot_score_key of its score; sorting changes it
    OtItem* item


cdef OtItem* ot_item_new(double score, Slice member) noexcept nogil
cdef void ot_item_free(OtItem* item) noexcept nogil
cdef size_t ot_item_memory(const OtItem* item) noexcept nogil
cdef void ot_key_of(const void* item, Slice* key) noexcept nogil                     # for a HashTable of items by member
# What is in order already takes a comparison each. The spare has room for half of them
cdef void ot_sort(OtRanked* ranked, OtRanked* spare, size_t count) noexcept nogil


cdef inline Slice ot_member(const OtItem* item) noexcept nogil:
    """Borrowed."""
    cdef const uint8_t* p = <const uint8_t*>(item + 1)
    cdef size_t length = p[0]
    p += 1
    if length == OT_LONG_MEMBER:
        memcpy(&length, p, sizeof(length))
        p += sizeof(length)
    return slice_of(<const char*>p, length)


cdef inline uint64_t ot_score_key(double score) noexcept nogil:
    """Integers in the order of the scores; both zeros have the same."""
    cdef double without_sign = score + 0.0
    cdef uint64_t bits
    memcpy(&bits, &without_sign, sizeof(bits))
    return ~bits if bits >> 63 else bits | <uint64_t>1 << 63
