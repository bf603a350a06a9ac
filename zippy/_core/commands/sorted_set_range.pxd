"""Ranges of sorted sets: reading their bounds, ZRANGE and its relatives, ZRANGESTORE."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.ground.ordered_tree cimport OtLexRange, OtScoreRange
from zippy._core.commands.types cimport Client, Engine
from zippy._core.resp.writer cimport Reply
from zippy._core.values.zset cimport ZSetIter


# The bounds of a range; False: replied with an error
cdef bint read_score_range(Client* c, Slice min, Slice max, OtScoreRange* range) noexcept nogil
cdef bint read_lex_range(Client* c, Slice min, Slice max, OtLexRange* range) noexcept nogil
# Makes ranks of indexes as commands have them (negative from the end): how many members there are from `first` on; 0: none
cdef uint64_t ranks_of_indexes(int64_t start, int64_t end, uint64_t length, uint64_t* first) noexcept nogil
# One member of a reply, with its score if wanted: two elements in RESP2, a pair in RESP3
cdef void reply_member(Reply* r, const ZSetIter* it, bint with_score) noexcept nogil
cdef void reply_members_header(Reply* r, int64_t count, bint with_scores) noexcept nogil   # of an array of so many of them
cdef void zrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrevrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrevrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrevrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void zrangestore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
