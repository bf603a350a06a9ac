"""The commands on sorted sets."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


# Adds pairs of a score and a member to the key's sorted set, replies, and tells how many were added or got another score. words: of each
# pair two, of which the second is the member; flags: ZSET_ bits; changed_too: all of these count in the reply
cdef int64_t add_pairs(
    Engine* e, Client* c, Slice key, int pairs, const Slice* words, double* scores, int flags, bint changed_too
) noexcept nogil
cdef void zadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zmscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zcard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zlexcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrevrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
