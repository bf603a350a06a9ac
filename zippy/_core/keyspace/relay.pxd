"""What replicas get, as bytes: a primary's effects, or on a replica what its own primary sent, to the byte.

It is a queue of its own beside the stream of effects. A replica's append-only file holds what the replica did, its own clients' writes
among it and no PING; what it passes on has to be what it was given, at the same offsets. Offsets are those of replication, and they stay
when a replica becomes a primary; those of the stream of effects belong to the append-only file.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from zippy._core.ground.byte_queue cimport ByteQueue, QueueCursor
from zippy._core.ground.slice cimport Slice
from zippy._core.keyspace.stream cimport Stream


cdef struct Relay:
    ByteQueue bytes              # whole requests and units alone; `kept` is the backlog
    bint copies                  # it takes what `stream` gets
    QueueCursor source           # while it does: how far
    uint64_t ahead               # offsets here are so much larger than those of the stream, where it was copied last (modulo 2**64)
    bint failed                  # for want of memory it lacks something


cdef struct Feed:
    # a replica's place in it
    QueueCursor cursor
    bint held                    # a copy of the data is to come first


cdef void relay_free(Relay* r) noexcept nogil
cdef void relay_begin(Relay* r, Stream* s) noexcept nogil            # copies from here on what the stream gets
cdef void relay_stop(Relay* r, Stream* s) noexcept nogil             # no more
# takes in what the stream has up to this offset, no further than the last unit that is closed; the relay `failed` or has all
cdef void relay_copy(Relay* r, Stream* s, uint64_t end) noexcept nogil
# puts in a request of its own, behind what has been copied, or has it failed
cdef void relay_request(Relay* r, int argc, const Slice* argv) noexcept nogil
cdef void relay_append(Relay* r, Slice bytes) noexcept nogil         # puts in bytes, or has it failed
cdef uint64_t relay_first(const Relay* r) noexcept nogil             # offset of the oldest byte that is there
# the offset that a place in the stream has here, or will have
cdef uint64_t relay_offset_of(const Relay* r, const Stream* s, uint64_t at) noexcept nogil
