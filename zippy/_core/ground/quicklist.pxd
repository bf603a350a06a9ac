"""Quicklist: a list as a chain of listpacks; an element too large for one is a plain node of its own.

`fill` and `compress` mean what list-max-listpack-size and list-compress-depth mean in Redis.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.listpack cimport LpItem, LpNeedle

cdef enum:
    QL_HEAD = 0
    QL_TAIL = 1
    QL_PLAIN = 1
    QL_PACKED = 2


cdef struct QuicklistNode:
    QuicklistNode* prev
    QuicklistNode* next
    unsigned char* data   # a listpack, a plain element, or LZF bytes of either; owned, with the gap before it
    size_t bytes          # uncompressed size of data; a plain element may have any
    uint32_t packed_bytes  # size of the LZF bytes, 0 when not compressed
    uint32_t count        # elements
    uint8_t container     # QL_PLAIN or QL_PACKED
    uint16_t gap          # free bytes of the block before data: what pushing and popping at the head works with


cdef struct Quicklist:
    QuicklistNode* head
    QuicklistNode* tail
    uint64_t count        # elements
    uint64_t nodes
    int fill              # > 0: elements a node; -1 .. -5: 4, 8, 16, 32, 64 KiB a node
    int compress          # nodes at each end that stay uncompressed; 0: none is compressed


cdef struct QlIter:
    Quicklist* list
    QuicklistNode* node
    unsigned char* p      # element in the node's listpack
    long offset           # its index in the node
    int direction         # QL_HEAD: towards the head; QL_TAIL: towards the tail
    bint fresh            # the element that it stands on was not returned yet
    bint changed          # something was deleted since it came to the node
    LpItem item           # the element just returned; a plain element is a string


cdef Quicklist* ql_new(int fill, int compress) noexcept nogil
cdef void ql_free(Quicklist* q) noexcept nogil
cdef Quicklist* ql_copy(Quicklist* q) noexcept nogil
cdef void ql_push(Quicklist* q, Slice s, int where) noexcept nogil
cdef void ql_append_listpack(Quicklist* q, unsigned char* lp) noexcept nogil      # takes the listpack as a new tail node
cdef void ql_append_plain(Quicklist* q, unsigned char* data, size_t len) noexcept nogil  # takes a block from mem_alloc
# starts at index (negative from the end); False out of range
cdef bint ql_iter(QlIter* it, Quicklist* q, int64_t index, int direction) noexcept nogil
cdef bint ql_iter_next(QlIter* it) noexcept nogil                                 # it.item is the element; False at the end
cdef int ql_iter_items(QlIter* it, LpItem* items, int most) noexcept nogil         # the next ones, at most so many (borrowed); 0 at the end
# goes on to the next that matches, looking at so many at most, which are taken off; False: none, or none of these
cdef bint ql_iter_find(QlIter* it, const LpNeedle* needle, uint64_t* most) noexcept nogil
cdef void ql_iter_done(QlIter* it) noexcept nogil                                 # compresses again what reading uncompressed
# LP_BEFORE or LP_AFTER the element just returned; ends the iteration
cdef void ql_iter_insert(QlIter* it, Slice s, int where) noexcept nogil
cdef void ql_iter_replace(QlIter* it, Slice s) noexcept nogil                     # replaces the element just returned; ends the iteration
cdef void ql_iter_delete(QlIter* it) noexcept nogil                               # deletes the element just returned; the iteration goes on
cdef uint64_t ql_delete_range(Quicklist* q, int64_t index, uint64_t count) noexcept nogil   # elements deleted
cdef unsigned char* ql_take_data(QuicklistNode* n) noexcept nogil                   # the data as a block of its own; the node has none then
cdef size_t ql_memory(const Quicklist* q) noexcept nogil                          # bytes of header, nodes and data
# frees up to so many nodes from the head; True when the whole list is freed
cdef bint ql_free_some(Quicklist* q, uint64_t nodes) noexcept nogil
