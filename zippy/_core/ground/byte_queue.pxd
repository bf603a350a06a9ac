"""A queue of bytes with several readers, each at its own place; bytes go when all readers have passed them.

The bytes lie in blocks that are never moved nor made larger, so neither a reader that lags behind nor a very large piece costs more than
the blocks it needs. An offset is a count of all bytes that were ever put in; it only grows.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from zippy._core.ground.slice cimport Slice

cdef enum:
    BQ_INSERT = 16              # bytes that bq_insert takes at most


cdef struct QueueBlock:
    # its bytes follow the struct, behind BQ_INSERT free ones
    QueueBlock* next
    char* data                  # the first byte
    char* tail                  # behind the last one
    char* limit                 # of tail
    uint64_t at                 # offset of the first byte


cdef struct QueueCursor:
    # a reader's place; the reader owns the struct, which stays where it is from bq_attach to bq_detach. A copy of it may read ahead
    QueueCursor* next
    QueueBlock* block           # NULL: the queue's first one
    uint64_t at                 # offset of the next byte to read


cdef struct ByteQueue:
    QueueBlock* first           # NULL: there is no block
    QueueBlock* last            # where bytes are put; the blocks after it are reserved and empty
    uint64_t end                # offset behind the last byte
    QueueCursor* cursors
    size_t kept                 # bytes at the end that stay although all readers have passed them, at least
    size_t memory               # bytes that the blocks take


# A ByteQueue filled with zeros is an empty one
cdef void bq_free(ByteQueue* q) noexcept nogil                # frees all blocks; nobody reads any more
# as bq_reserve, for at least a byte that does not fit behind the last one
cdef int bq_add_blocks(ByteQueue* q, size_t size) noexcept nogil
cdef void bq_append(ByteQueue* q, const void* ptr, size_t len) noexcept nogil   # puts in what bq_reserve made room for, in several pieces
# Puts up to BQ_INSERT bytes before what was put in last, which begins at offset `at` in `block`. The bq_reserve for that asked for
# BQ_INSERT bytes more, and no reader has read any of it.
cdef void bq_insert(ByteQueue* q, QueueBlock* block, uint64_t at, const void* ptr, size_t len) noexcept nogil
cdef bint bq_attach(ByteQueue* q, QueueCursor* c, uint64_t at) noexcept nogil   # begins to read; False: what is at this offset is gone
cdef void bq_detach(ByteQueue* q, QueueCursor* c) noexcept nogil
# what lies side by side from the cursor on, for the reader to add to its offset as far as it was read; empty: that is all
cdef Slice bq_piece(const ByteQueue* q, QueueCursor* c) noexcept nogil
# has the next byte be at this offset; what is there goes, and readers read on from there
cdef void bq_restart(ByteQueue* q, uint64_t at) noexcept nogil
cdef void bq_release(ByteQueue* q) noexcept nogil             # frees what all readers have passed; follows when one has moved


cdef inline bint bq_fits(const ByteQueue* q, size_t size) noexcept nogil:
    """Whether so many bytes fit behind the last one, at bq_place."""
    return q.last != NULL and <size_t>(q.last.limit - q.last.tail) >= size


cdef inline int bq_reserve(ByteQueue* q, size_t size) noexcept nogil:
    """Has the next `size` bytes fit: side by side, or from a block's begin on if they are too many. -1: out of memory, all is as before."""
    return 0 if bq_fits(q, size) else bq_add_blocks(q, size)


cdef inline char* bq_place(const ByteQueue* q) noexcept nogil:
    """Where to write what bq_fits; bq_put follows."""
    return q.last.tail


cdef inline void bq_put(ByteQueue* q, size_t len) noexcept nogil:
    """Takes in what was written at bq_place."""
    q.last.tail += len
    q.end += len
