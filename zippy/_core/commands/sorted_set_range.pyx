# ZRANGE and the six commands beside it are one request: the command's name sets the flags that ZRANGE's options set, and bounds of every
# kind become a rank to begin with and a number of members.

from libc.stdint cimport uint32_t
from zippy._core.ground.number cimport num_read_lax_double
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.types cimport Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_ZSET
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_double, reply_error, reply_int
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport (
    zset_add, zset_iter, zset_iter_next, zset_length, zset_lex_span, zset_make_room, zset_new, zset_score_span
)

cdef enum:
    MEMBER = 48            # bytes, about, of a member beside its text

cdef enum RangeFlag:
    BY_SCORE = 1           # neither of the two: by rank
    BY_LEX = 2
    RANGE_REV = 4
    RANGE_LIMIT = 8
    RANGE_WITHSCORES = 16
    RANGE_KIND = BY_SCORE | BY_LEX

cdef OptionTable ZRANGE_OPTIONS = option_table("zrange", [
    ("byscore", BY_SCORE, RANGE_KIND),
    ("bylex", BY_LEX, RANGE_KIND),
    ("rev", RANGE_REV, RANGE_REV),
    ("limit", RANGE_LIMIT, 0, 2),
    ("withscores", RANGE_WITHSCORES),
])
cdef OptionTable ZRANGESTORE_OPTIONS = option_table("zrangestore", [
    ("byscore", BY_SCORE, RANGE_KIND),
    ("bylex", BY_LEX, RANGE_KIND),
    ("rev", RANGE_REV, RANGE_REV),
    ("limit", RANGE_LIMIT, 0, 2),
])
# All of them read both and refuse what does not go with their kind, in an error of its own
cdef OptionTable FIXED_OPTIONS = option_table("zrevrange zrangebyscore zrevrangebyscore zrangebylex zrevrangebylex", [
    ("limit", RANGE_LIMIT, 0, 2),
    ("withscores", RANGE_WITHSCORES),
])


cdef struct RangeRequest:
    uint32_t flags         # RangeFlag bits: what the command's name and its options say
    int64_t offset         # LIMIT's; members to skip
    int64_t limit          # LIMIT's; negative: no limit
    int64_t start, end     # by rank: indexes, negative from the end
    OtScoreRange scores
    OtLexRange members


# ---- bounds


cdef bint read_bound(Slice s, double* score, bint* open) noexcept nogil:
    """A score, or "(" and a score; Redis is laxer here than with a member's score."""
    open[0] = s.len > 0 and s.ptr[0] == c'('
    return num_read_lax_double(slice_of(s.ptr + 1, s.len - 1) if open[0] else s, score)


cdef bint read_score_range(Client* c, Slice min, Slice max, OtScoreRange* range) noexcept nogil:
    if read_bound(min, &range.min, &range.min_open) and read_bound(max, &range.max, &range.max_open):
        return True
    reply_error(&c.reply, b"ERR min or max is not a float")
    return False


cdef bint read_lex_bound(Slice s, Slice* bound, bint* open, int* infinite) noexcept nogil:
    open[0] = False
    infinite[0] = 0
    bound[0] = slice_of(NULL, 0)
    if s.len == 1 and (s.ptr[0] == c'-' or s.ptr[0] == c'+'):
        infinite[0] = -1 if s.ptr[0] == c'-' else 1
        return True
    if s.len == 0 or (s.ptr[0] != c'[' and s.ptr[0] != c'('):
        return False
    open[0] = s.ptr[0] == c'('
    bound[0] = slice_of(s.ptr + 1, s.len - 1)
    return True


cdef bint read_lex_range(Client* c, Slice min, Slice max, OtLexRange* range) noexcept nogil:
    if (read_lex_bound(min, &range.min, &range.min_open, &range.min_infinite)
            and read_lex_bound(max, &range.max, &range.max_open, &range.max_infinite)):
        return True
    reply_error(&c.reply, b"ERR min or max not valid string range item")
    return False


cdef uint64_t ranks_of_indexes(int64_t start, int64_t end, uint64_t length, uint64_t* first) noexcept nogil:
    cdef int64_t count = <int64_t>length
    if start < 0:
        start = start + count if start > -count else 0
    if end < 0:
        end += count
    if end >= count:
        end = count - 1
    first[0] = <uint64_t>start
    return <uint64_t>(end - start + 1) if start <= end else 0


# ---- the request


cdef bint parse_options(Client* c, const OptionTable* table, int argc, const Slice* argv, int at, RangeRequest* q) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    options_begin(&options, table, argc, argv, at)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return False
        if option == RANGE_LIMIT:
            if not arg_i64(c, options.value[0], &q.offset) or not arg_i64(c, options.value[1], &q.limit):
                return False
    q.flags |= options.flags
    if q.limit != -1 and not q.flags & RANGE_KIND:
        reply_error(&c.reply, b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
        return False
    if q.flags & RANGE_WITHSCORES and q.flags & BY_LEX:
        reply_error(&c.reply, b"ERR syntax error, WITHSCORES not supported in combination with BYLEX")
        return False
    return True


cdef bint parse_bounds(Client* c, Slice start, Slice end, RangeRequest* q) noexcept nogil:
    # in reverse the highest comes first
    cdef Slice min = end if q.flags & RANGE_REV else start
    cdef Slice max = start if q.flags & RANGE_REV else end
    if q.flags & BY_SCORE:
        return read_score_range(c, min, max, &q.scores)
    if q.flags & BY_LEX:
        return read_lex_range(c, min, max, &q.members)
    return arg_i64(c, start, &q.start) and arg_i64(c, end, &q.end)


cdef bint parse_request(
    Client* c, const OptionTable* table, uint32_t by_name, int argc, Slice* argv, int bounds, RangeRequest* q
) noexcept nogil:
    """Reads the bounds at argv[bounds] and the options behind them, beside the flags that the name sets; False: replied with an error."""
    q.flags = by_name
    q.offset = 0
    q.limit = -1
    return parse_options(c, table, argc, argv, bounds + 2, q) and parse_bounds(c, argv[bounds], argv[bounds + 1], q)


cdef uint64_t span_of(const Entry* entry, const RangeRequest* q, uint64_t* first) noexcept nogil:
    """How many members are asked for, and the rank of the one to begin with."""
    cdef uint64_t length = zset_length(entry)
    cdef uint64_t count
    cdef uint64_t low = 0
    if not q.flags & RANGE_KIND:
        count = ranks_of_indexes(q.start, q.end, length, &low)
        first[0] = length - 1 - low if q.flags & RANGE_REV else low
        return count
    count = zset_score_span(entry, &q.scores, &low) if q.flags & BY_SCORE else zset_lex_span(entry, &q.members, &low)
    if q.offset < 0 or <uint64_t>q.offset >= count:
        return 0
    first[0] = low + count - 1 - q.offset if q.flags & RANGE_REV else low + q.offset
    count -= q.offset
    return <uint64_t>q.limit if 0 <= q.limit and <uint64_t>q.limit < count else count


# ---- replies


cdef void reply_member(Reply* r, const ZSetIter* it, bint with_score) noexcept nogil:
    if with_score and r.proto > 2:
        reply_array(r, 2)
    reply_bulk(r, it.member)
    if with_score:
        reply_double(r, it.score)


cdef void reply_members_header(Reply* r, int64_t count, bint with_scores) noexcept nogil:
    reply_array(r, count * 2 if with_scores and r.proto == 2 else count)


cdef void read_range(Client* c, const OptionTable* table, uint32_t by_name, int argc, Slice* argv) noexcept nogil:
    cdef RangeRequest q
    cdef ZSetIter it
    cdef Entry* entry
    cdef uint64_t first = 0
    cdef uint64_t count
    if not parse_request(c, table, by_name, argc, argv, 2, &q):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_ZSET):
        return
    count = span_of(entry, &q, &first) if entry != NULL else 0
    reply_members_header(&c.reply, <int64_t>count, (q.flags & RANGE_WITHSCORES) != 0)
    if count == 0:
        return
    zset_iter(&it, entry, first, (q.flags & RANGE_REV) != 0)
    while count:
        zset_iter_next(&it)
        reply_member(&c.reply, &it, (q.flags & RANGE_WITHSCORES) != 0)
        count -= 1


cdef void zrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]."""
    read_range(c, &ZRANGE_OPTIONS, 0, argc, argv)


cdef void zrevrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREVRANGE key start stop [WITHSCORES]."""
    read_range(c, &FIXED_OPTIONS, RANGE_REV, argc, argv)


cdef void zrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]."""
    read_range(c, &FIXED_OPTIONS, BY_SCORE, argc, argv)


cdef void zrevrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]."""
    read_range(c, &FIXED_OPTIONS, BY_SCORE | RANGE_REV, argc, argv)


cdef void zrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANGEBYLEX key min max [LIMIT offset count]."""
    read_range(c, &FIXED_OPTIONS, BY_LEX, argc, argv)


cdef void zrevrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]."""
    read_range(c, &FIXED_OPTIONS, BY_LEX | RANGE_REV, argc, argv)


cdef Entry* range_of(Engine* e, Slice key, Entry* entry, uint64_t first, uint64_t count, const RangeRequest* q) noexcept nogil:
    """A sorted set of count members of another one; NULL: out of memory."""
    cdef Entry* result = zset_new(key)
    cdef Growth growth
    cdef ZSetIter it
    cdef double score
    if not q.flags & RANGE_KIND:
        # where Redis knows the length beforehand; the sign of a zero shows it
        zset_make_room(result, &e.settings, count)
    growth_begin(&growth)
    zset_iter(&it, entry, first, (q.flags & RANGE_REV) != 0)
    while count:
        zset_iter_next(&it)
        if not growth_takes(&growth, it.member.len + MEMBER):
            free_entry(&e.ks, result)
            return NULL
        score = it.score
        zset_add(result, &e.settings, it.member, &score, 0)
        count -= 1
    return result


cdef void zrangestore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]."""
    cdef RangeRequest q
    cdef Entry* entry
    cdef Entry* result
    cdef uint64_t first = 0
    cdef uint64_t count
    if not parse_request(c, &ZRANGESTORE_OPTIONS, 0, argc, argv, 3, &q):
        return
    entry = lookup_read(c.db, argv[2])
    if not check_type(c, entry, TYPE_ZSET):
        return
    count = span_of(entry, &q, &first) if entry != NULL else 0
    if count == 0:
        if delete_key(c.db, argv[1]):
            mutated(c.db, argv[1], NOTIFY_GENERIC, b"del", 1)
        reply_int(&c.reply, 0)
        return
    result = range_of(e, argv[1], entry, first, count, &q)
    if result == NULL:
        reply_out_of_memory(c)
        return
    open_for_write(c.db, argv[1])
    put_over(c.db, result)
    mutated(c.db, argv[1], NOTIFY_ZSET, b"zrangestore", 1)
    reply_int(&c.reply, <int64_t>count)
