"""What RDB readers and writers of collections share: counts, packed blocks and whether their elements differ."""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from zippy._core.values.rdb_stream cimport RdbReader, RdbWriter

cdef enum PackedForm:
    PACKED_LISTPACK = 0
    PACKED_ZIPLIST = 1          # until version 9
    PACKED_ZIPMAP = 2           # until version 3


cdef void rdb_write_block(RdbWriter* w, const void* block, size_t size) noexcept nogil    # a packed block, as a string
# How many elements follow, of at least so many bytes each; False: see the status, none is an error too
cdef bint rdb_read_some(RdbReader* r, uint64_t* count, size_t least) noexcept nogil
# A listpack of whole groups of `step` elements, at least one, of a block in this PackedForm; NULL: see the status
cdef unsigned char* rdb_read_listpack(RdbReader* r, int form, uint32_t step) noexcept nogil
# Do all elements differ, one in `step` counting? count: how many these are
cdef bint rdb_texts_differ(const unsigned char* lp, uint32_t count, int step) noexcept nogil
