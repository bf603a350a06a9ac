"""Giving pending entries to other consumers: XCLAIM, XAUTOCLAIM."""

from libc.stdint cimport int64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.stream_group cimport Pending, StreamGroup


cdef void xclaim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xautoclaim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil

# A pending entry that was delivered or claimed, to others as
# "XCLAIM key group consumer 0 id TIME ms RETRYCOUNT count FORCE JUSTID LASTID last-id"
cdef void propagate_claim(Engine* e, Client* c, Slice key, const StreamGroup* group, const Pending* p) noexcept nogil
# Takes an entry off that is pending and no longer in the stream
cdef void forget_deleted(Engine* e, Client* c, Slice key, StreamGroup* group, const Pending* p) noexcept nogil
