"""Reading streams by ranges of ids: XRANGE, XREVRANGE, and entries as replies."""

from libc.stdint cimport int64_t
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.resp.writer cimport Reply
from zippy._core.values.stream cimport Stream, StreamIter


cdef void xrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void xrevrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil

cdef void reply_fields(Reply* r, StreamIter* it) noexcept nogil             # of the entry at hand: an array of fields and values
cdef void reply_entry(Reply* r, StreamIter* it) noexcept nogil              # the entry at hand: its id and its fields
# An array of the first `count` entries from start to end (negative: all), or of the last ones; how many
cdef int64_t reply_entries(Reply* r, Stream* s, StreamId start, StreamId end, bint backwards, int64_t count) noexcept nogil
cdef bint reply_entry_of(Reply* r, Stream* s, StreamId id) noexcept nogil   # that one; False: there is none, nothing was replied
