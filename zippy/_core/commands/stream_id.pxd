"""Stream ids and ranges of them as words of a request, and as replies. A function that returns False has replied with an error."""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client
from zippy._core.resp.writer cimport Reply

cdef enum:
    STREAM_ID_TEXT = 48          # bytes that write_stream_id needs at most


cdef StreamId least_stream_id() noexcept nogil
cdef StreamId greatest_stream_id() noexcept nogil                          # what XREADGROUP's > stands for, too
# "<ms>-<seq>" or "<ms>", which stands for <ms>-<missing_seq>; any_seq: NULL, or whether it was "<ms>-*". False: it is no id, and nothing
# was replied
cdef bint read_stream_id(Slice word, uint64_t missing_seq, StreamId* id, bint* any_seq) noexcept nogil
cdef bint arg_stream_id(Client* c, Slice word, StreamId* id) noexcept nogil     # a plain id; without a sequence number it is 0
# The ends of a range: an id, "-", "+", or "(" and an id that is left out itself
cdef bint arg_range_start(Client* c, Slice word, StreamId* id) noexcept nogil
cdef bint arg_range_end(Client* c, Slice word, StreamId* id) noexcept nogil
cdef bint is_sign(Slice word, char sign) noexcept nogil                     # whether the word is this one sign, as XREAD's $
cdef size_t write_stream_id(char* at, StreamId id) noexcept nogil           # bytes written
cdef Slice stream_id_slice(char* at, StreamId id) noexcept nogil            # the same, as a slice of `at`
cdef void reply_stream_id(Reply* r, StreamId id) noexcept nogil
