"""A block of a stream's entries: a listpack in Redis's layout, so that it is its own RDB form.

    entries, deleted entries, fields of the master entry (how many, and their names), 0
    flags, ms and seq as differences to the block's id, [how many fields, unless they are the master's], fields and values, elements

The last number of an entry says how many elements stand before it, so that one can go backwards.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.ground.listpack cimport LpItem, lp_get
from zippy._core.ground.slice cimport Slice
from zippy._core.values.settings cimport Settings

cdef enum EntryFlag:
    ENTRY_DELETED = 1
    ENTRY_SAME_FIELDS = 2       # as the master's, which are not written again


cdef inline int64_t block_int(const unsigned char* p) noexcept nogil:
    """The integer element at p."""
    cdef LpItem item
    lp_get(p, &item)
    return item.num


cdef size_t block_largest(const Settings* settings) noexcept nogil          # bytes, by stream-node-max-bytes
# Whether the block is to have another entry, of so many bytes in fields and values
cdef bint block_takes(const unsigned char* lp, size_t bytes, const Settings* settings) noexcept nogil
# A new block with one entry; so many pairs of elements. `most`: bytes that it will not grow beyond unless it has to
cdef unsigned char* block_new(StreamId id, int pairs, const Slice* elements, size_t most) noexcept nogil
# Appends an entry to the block whose id is `base`; where it is then
cdef unsigned char* block_add(
    unsigned char* lp, StreamId base, StreamId id, int pairs, const Slice* elements, size_t most
) noexcept nogil
# Tells the head that one more entry is deleted; the block may move, and what follows the head in it
cdef unsigned char* block_count_deleted(unsigned char* lp) noexcept nogil
# Whether a valid listpack is a block of this id, with ascending entries: how many of them are not deleted, and the id of the last one
cdef bint block_check(const unsigned char* lp, StreamId base, uint64_t* live, StreamId* last) noexcept nogil
