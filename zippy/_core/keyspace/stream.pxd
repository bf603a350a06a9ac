"""What is propagated, as the bytes that the append-only file and replicas get: each request in RESP, SELECT where the database changes,
MULTI and EXEC around an execution unit of several requests.

Readers are cursors in `bytes`, by offsets from its beginning. They read up to `taken`: what lies behind that may be half a turn,
and the first request of a unit may still get its MULTI.
"""

from libc.stdint cimport int32_t, uint64_t
from zippy._core.ground.byte_queue cimport ByteQueue, QueueBlock
from zippy._core.ground.slice cimport Slice

cdef enum:
    NO_UNIT = -1
    SELECT_ROOM = 48             # bytes that write_select needs at most


cdef struct Stream:
    ByteQueue bytes
    uint64_t taken               # offset up to which it may be read
    int32_t selected             # the database that whoever reads all has selected at the end; -1: the next request brings its SELECT
    int unit_count               # requests of the unit under way; NO_UNIT: there is none, each request stands for itself
    QueueBlock* unit_block       # where its first request begins
    uint64_t unit_at             # offset of that
    bint failed                  # for want of memory it lacks something


cdef void stream_init(Stream* s) noexcept nogil
cdef void stream_free(Stream* s) noexcept nogil
cdef void stream_request(Stream* s, int32_t db, int argc, const Slice* argv) noexcept nogil    # puts in all of a request, or has it failed
cdef void stream_close_unit(Stream* s) noexcept nogil        # ends the unit under way
# Lets readers have all that is there; the rest of a unit under way will be one of its own. -1: it lacks something, which is said once
cdef int stream_take(Stream* s) noexcept nogil
cdef char* write_select(char* at, int32_t db) noexcept nogil  # SELECT as a request; behind it
