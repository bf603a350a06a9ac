# The three ZREMRANGEBY commands find ranks and remove those; the key goes with its last member.

from libc.stdint cimport uint64_t
from zippy._core.ground.ordered_tree cimport OtLexRange, OtScoreRange
from zippy._core.commands.args cimport arg_i64, check_type
from zippy._core.commands.sorted_set_range cimport ranks_of_indexes, read_lex_range, read_score_range
from zippy._core.commands.types cimport Engine
from zippy._core.keyspace.db cimport delete_key, open_for_write
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_ZSET
from zippy._core.resp.writer cimport reply_int
from zippy._core.values.entry cimport TYPE_ZSET
from zippy._core.values.zset cimport (
    zset_leave_ranks, zset_length, zset_lex_span, zset_remove, zset_remove_ranks, zset_score_span
)


cdef void zset_removed(Client* c, Slice key, Entry* entry, const char* event, int64_t count) noexcept nogil:
    cdef bint empty = zset_length(entry) == 0
    if empty:
        delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_ZSET, event, count)
    if empty:
        notify(c.db, NOTIFY_GENERIC, b"del", key)


cdef void zrem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREM key member [member ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t removed = 0
    cdef int i
    if not check_type(c, entry, TYPE_ZSET):
        return
    if entry != NULL:
        for i in range(2, argc):
            if zset_remove(entry, argv[i]):
                removed += 1
    if removed:
        zset_removed(c, argv[1], entry, b"zrem", removed)
    reply_int(&c.reply, removed)


cdef void remove_span(Client* c, Slice key, Entry* entry, uint64_t first, uint64_t count, const char* event) noexcept nogil:
    """Takes count members from a rank on out and replies how many they were. Where these are most of many, they are freed in steps."""
    cdef Entry* left = zset_leave_ranks(entry, first, count)
    if left != NULL:
        free_entry(c.db.keyspace, left)
    else:
        zset_remove_ranks(entry, first, count)
    if count:
        zset_removed(c, key, entry, event, <int64_t>count)
    reply_int(&c.reply, <int64_t>count)


cdef bint open_range(Client* c, Slice key, Entry** entry) noexcept nogil:
    """Opens the key; False: it is absent or no sorted set, and the reply was written."""
    entry[0] = open_for_write(c.db, key)
    if entry[0] == NULL:
        reply_int(&c.reply, 0)
        return False
    return check_type(c, entry[0], TYPE_ZSET)


cdef void zremrangebyrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREMRANGEBYRANK key start stop."""
    cdef Entry* entry
    cdef int64_t start
    cdef int64_t end
    cdef uint64_t first
    cdef uint64_t count
    if arg_i64(c, argv[2], &start) and arg_i64(c, argv[3], &end) and open_range(c, argv[1], &entry):
        count = ranks_of_indexes(start, end, zset_length(entry), &first)
        remove_span(c, argv[1], entry, first, count, b"zremrangebyrank")


cdef void zremrangebyscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREMRANGEBYSCORE key min max."""
    cdef Entry* entry
    cdef OtScoreRange range
    cdef uint64_t first
    cdef uint64_t count
    if read_score_range(c, argv[2], argv[3], &range) and open_range(c, argv[1], &entry):
        count = zset_score_span(entry, &range, &first)
        remove_span(c, argv[1], entry, first, count, b"zremrangebyscore")


cdef void zremrangebylex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREMRANGEBYLEX key min max."""
    cdef Entry* entry
    cdef OtLexRange range
    cdef uint64_t first
    cdef uint64_t count
    if read_lex_range(c, argv[2], argv[3], &range) and open_range(c, argv[1], &entry):
        count = zset_lex_span(entry, &range, &first)
        remove_span(c, argv[1], entry, first, count, b"zremrangebylex")
