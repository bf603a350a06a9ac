# XPENDING with a consumer reads that consumer's ids alone, however many others have.

from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.id_tree cimport StreamId, stream_id_compare
from zippy._core.commands.args cimport OptionTable, arg_choice, arg_i64, option_table, reply_syntax_error
from zippy._core.commands.stream_group cimport check_group, idle_ms
from zippy._core.commands.stream_id cimport arg_range_end, arg_range_start, reply_stream_id
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_bulk_int, reply_defer, reply_defer_array, reply_int, reply_null, reply_null_array
)
from zippy._core.values.stream_group cimport (
    PendingIter, StreamConsumer, StreamGroup, consumer_find, consumer_name, pending_first, pending_iter, pending_iter_next, pending_last
)

cdef enum PendingFlag:
    PENDING_IDLE = 1

cdef OptionTable PENDING_OPTIONS = option_table("xpending", [("idle", PENDING_IDLE, 0, 1)])


cdef struct PendingRange:
    # what the long form of XPENDING was asked for
    StreamId start
    StreamId end
    int64_t count
    int64_t idle_ms              # at least
    Slice consumer               # ptr NULL: any


cdef void reply_summary(Client* c, const StreamGroup* group) noexcept nogil:
    """How many entries are pending, the first and the last id, and how many each consumer has that has any."""
    cdef StreamId id
    cdef uint32_t i
    cdef int64_t told = 0
    cdef size_t place
    reply_array(&c.reply, 4)
    reply_int(&c.reply, <int64_t>group.pending.count)
    if not pending_first(<StreamGroup*>group, &id):
        reply_null(&c.reply)
        reply_null(&c.reply)
        reply_null_array(&c.reply)
        return
    reply_stream_id(&c.reply, id)
    pending_last(<StreamGroup*>group, &id)
    reply_stream_id(&c.reply, id)
    place = reply_defer(&c.reply)
    for i in range(group.count):
        if group.consumers[i].pending.count:
            reply_array(&c.reply, 2)
            reply_bulk(&c.reply, consumer_name(group.consumers[i]))
            reply_bulk_int(&c.reply, <int64_t>group.consumers[i].pending.count)
            told += 1
    reply_defer_array(&c.reply, place, told)


cdef bint arg_pending_range(Client* c, int argc, Slice* argv, PendingRange* r) noexcept nogil:
    """Reads [IDLE min-idle-time] start end count [consumer] from argv[3] on."""
    cdef int at = 3
    r.idle_ms = 0
    if arg_choice(&PENDING_OPTIONS, argv[3]) == PENDING_IDLE:
        if not arg_i64(c, argv[4], &r.idle_ms):
            return False
        if argc < 8:
            reply_syntax_error(c)
            return False
        at = 5
    if not arg_i64(c, argv[at + 2], &r.count):
        return False
    if not arg_range_start(c, argv[at], &r.start) or not arg_range_end(c, argv[at + 1], &r.end):
        return False
    r.consumer.ptr = NULL
    if at + 3 < argc:
        r.consumer = argv[at + 3]
    return True


cdef void reply_pending(Engine* e, Client* c, StreamGroup* group, const PendingRange* r) noexcept nogil:
    cdef PendingIter it
    cdef StreamConsumer* consumer = NULL
    cdef int64_t told = 0
    cdef int64_t idle
    cdef size_t place
    if r.consumer.ptr != NULL:
        consumer = consumer_find(group, r.consumer)
        if consumer == NULL:
            reply_array(&c.reply, 0)
            return
    place = reply_defer(&c.reply)
    pending_iter(&it, group, consumer, r.start)
    while told < r.count and pending_iter_next(&it) and stream_id_compare(it.pending.id, r.end) <= 0:
        idle = idle_ms(e, it.pending.time)
        if idle < r.idle_ms:
            continue
        reply_array(&c.reply, 4)
        reply_stream_id(&c.reply, it.pending.id)
        reply_bulk(&c.reply, consumer_name(it.pending.consumer))
        reply_int(&c.reply, idle if idle > 0 else 0)
        reply_int(&c.reply, <int64_t>it.pending.count)
        told += 1
    reply_defer_array(&c.reply, place, told)


cdef void xpending_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]."""
    cdef PendingRange r
    cdef StreamGroup* group
    if argc != 3 and not 6 <= argc <= 9:
        reply_syntax_error(c)
        return
    if argc > 3 and not arg_pending_range(c, argc, argv, &r):
        return
    group = check_group(c, argv[1], lookup_read(c.db, argv[1]), argv[2], b"'")
    if group == NULL:
        return
    if argc == 3:
        reply_summary(c, group)
    else:
        reply_pending(e, c, group, &r)
