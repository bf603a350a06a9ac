# Others are told each claim with the time and the count that it came to. An entry that is no longer in the stream is not claimed but
# forgotten; others are told so by a claim of it for its old consumer, which has the same outcome there.

from libc.stdint cimport INT64_MAX, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf, buf_append, buf_free, buf_init, slice_text
from zippy._core.ground.id_tree cimport StreamId, stream_id_compare
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64, num_write_u64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64_or, arg_in_range, arg_option, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead, propagate_nothing
from zippy._core.commands.stream_group cimport (
    check_group, consumer_seen, idle_ms, propagate_consumer, propagate_read, reply_error_naming
)
from zippy._core.commands.stream_id cimport (
    STREAM_ID_TEXT, arg_range_start, arg_stream_id, least_stream_id, read_stream_id, reply_stream_id, stream_id_slice
)
from zippy._core.commands.stream_range cimport reply_entry_of
from zippy._core.keyspace.db cimport lookup_read, open_found
from zippy._core.keyspace.effects cimport mutated_aside
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport reply_array, reply_defer, reply_defer_array, reply_defer_bulk
from zippy._core.values.entry cimport Entry
from zippy._core.values.stream cimport Stream, stream_has, stream_of
from zippy._core.values.stream_group cimport (
    PendingIter, StreamConsumer, consumer_name, group_name, pending_find, pending_iter, pending_iter_next, pending_put, pending_remove
)

cdef enum ClaimFlag:
    CLAIM_IDLE = 1 << 0
    CLAIM_TIME = 1 << 1
    CLAIM_RETRYCOUNT = 1 << 2
    CLAIM_FORCE = 1 << 3
    CLAIM_JUSTID = 1 << 4
    CLAIM_LASTID = 1 << 5
    AUTOCLAIM_COUNT = 1 << 6

cdef enum:
    AUTOCLAIM_DEFAULT = 100      # COUNT of XAUTOCLAIM
    LOOKS = 10                   # pending entries that XAUTOCLAIM looks at for each that it may claim

cdef int64_t AUTOCLAIM_MOST = INT64_MAX // sizeof(StreamId)

cdef OptionTable CLAIM_OPTIONS = option_table("xclaim", [
    ("idle", CLAIM_IDLE, 0, 1),
    ("time", CLAIM_TIME, 0, 1),
    ("retrycount", CLAIM_RETRYCOUNT, 0, 1),
    ("force", CLAIM_FORCE),
    ("justid", CLAIM_JUSTID),
    ("lastid", CLAIM_LASTID, 0, 1),
])
cdef OptionTable AUTOCLAIM_OPTIONS = option_table("xautoclaim", [("count", AUTOCLAIM_COUNT, 0, 1), ("justid", CLAIM_JUSTID)])


cdef struct Claim:
    # what a claim is to do
    uint32_t flags               # ClaimFlag bits
    int64_t min_idle_ms
    int64_t time                 # of the delivery that it counts as, ms since the epoch
    int64_t retry_count          # that entries get; -1: one more than they have
    StreamId last_id             # of CLAIM_LASTID


cdef struct Claimer:
    # for whom, and where
    Engine* e
    Client* c
    Slice key
    Stream* s
    StreamGroup* group
    StreamConsumer* consumer
    bint fresh                   # nobody has been told of the consumer


cdef void propagate_claim(Engine* e, Client* c, Slice key, const StreamGroup* group, const Pending* p) noexcept nogil:
    cdef Slice[14] words
    cdef char[STREAM_ID_TEXT] id
    cdef char[STREAM_ID_TEXT] last_id
    cdef char[NUM_I64_TEXT] time
    cdef char[NUM_I64_TEXT] count
    if not e.ks.effects.recording:
        return
    words[0] = slice_text(b"XCLAIM")
    words[1] = key
    words[2] = group_name(group)
    words[3] = consumer_name(p.consumer)
    words[4] = slice_text(b"0")
    words[5] = stream_id_slice(id, p.id)
    words[6] = slice_text(b"TIME")
    words[7] = slice_of(time, num_write_i64(time, p.time))
    words[8] = slice_text(b"RETRYCOUNT")
    words[9] = slice_of(count, num_write_u64(count, p.count))
    words[10] = slice_text(b"FORCE")
    words[11] = slice_text(b"JUSTID")
    words[12] = slice_text(b"LASTID")
    words[13] = stream_id_slice(last_id, group.last_id)
    propagate_instead(e, c, 14, words)


cdef void forget_deleted(Engine* e, Client* c, Slice key, StreamGroup* group, const Pending* p) noexcept nogil:
    propagate_claim(e, c, key, group, p)
    pending_remove(group, p.id)
    mutated_aside(c.db, key, NOTIFY_STREAM, NULL, 1)


cdef void claim(Claimer* w, const Claim* how, Pending* p) noexcept nogil:
    """Gives a pending entry, which is in the stream, to the consumer, and replies with it."""
    p.consumer = w.consumer
    p.time = how.time
    if how.retry_count >= 0:
        p.count = <uint64_t>how.retry_count
    elif not how.flags & CLAIM_JUSTID:
        p.count += 1
    pending_put(w.group, p)
    w.consumer.active = w.e.ks.clock.ms
    if how.flags & CLAIM_JUSTID:
        reply_stream_id(&w.c.reply, p.id)
    else:
        reply_entry_of(&w.c.reply, w.s, p.id)
    propagate_claim(w.e, w.c, w.key, w.group, p)
    w.fresh = False
    mutated_aside(w.c.db, w.key, NOTIFY_STREAM, NULL, 1)


cdef void begin_claim(Claimer* w, Engine* e, Client* c, Slice key, Entry* entry, StreamGroup* group, Slice consumer) noexcept nogil:
    open_found(c.db, entry)
    propagate_nothing(e)
    w.e = e
    w.c = c
    w.key = key
    w.s = stream_of(entry)
    w.group = group
    w.consumer = consumer_seen(e, c, key, group, consumer, &w.fresh)


cdef void end_claim(Claimer* w) noexcept nogil:
    if w.fresh:
        propagate_consumer(w.e, w.c, w.key, w.group, w.consumer)


cdef bint arg_claim_options(Engine* e, Client* c, int argc, Slice* argv, int at, Claim* how) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    cdef int64_t idle
    how.time = e.ks.clock.ms
    how.retry_count = -1
    options_begin(&options, &CLAIM_OPTIONS, argc, argv, at)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_error_naming(c, b"ERR Unrecognized XCLAIM option '", argv[options.at], b"'", slice_of(b"", 0), b"")
            return False
        if option == CLAIM_IDLE:
            if not arg_i64_or(c, options.value[0], &idle, b"ERR Invalid IDLE option argument for XCLAIM"):
                return False
            how.time = idle_ms(e, idle)
        elif option == CLAIM_TIME:
            if not arg_i64_or(c, options.value[0], &how.time, b"ERR Invalid TIME option argument for XCLAIM"):
                return False
        elif option == CLAIM_RETRYCOUNT:
            if not arg_i64_or(c, options.value[0], &how.retry_count, b"ERR Invalid RETRYCOUNT option argument for XCLAIM"):
                return False
        elif option == CLAIM_LASTID and not arg_stream_id(c, options.value[0], &how.last_id):
            return False
    # no delivery lies in the future
    if not 0 <= how.time <= e.ks.clock.ms:
        how.time = e.ks.clock.ms
    how.flags = options.flags
    return True


cdef void claim_ids(Claimer* w, const Claim* how, int count, const Slice* ids) noexcept nogil:
    """Replies with those of the ids that were claimed."""
    cdef size_t place = reply_defer(&w.c.reply)
    cdef Pending p
    cdef StreamId id
    cdef int64_t told = 0
    cdef bint is_pending
    cdef int i
    for i in range(count):
        read_stream_id(ids[i], 0, &id, NULL)
        is_pending = pending_find(w.group, id, &p)
        if not stream_has(w.s, id):
            if is_pending:
                forget_deleted(w.e, w.c, w.key, w.group, &p)
            continue
        if not is_pending:
            if not how.flags & CLAIM_FORCE:
                continue
            p.id = id
            p.count = 1
        elif idle_ms(w.e, p.time) < how.min_idle_ms:
            continue
        claim(w, how, &p)
        told += 1
    reply_defer_array(&w.c.reply, place, told)


cdef void xclaim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID]
    [LASTID lastid]. Propagates an XCLAIM of its own for each entry that was claimed or forgotten; where there is none, what LASTID
    came to."""
    cdef Claim how
    cdef Claimer w
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef StreamGroup* group = check_group(c, argv[1], entry, argv[2], b"'")
    cdef StreamId id
    cdef int64_t dirty
    cdef bint moved
    cdef int behind_ids = 5
    if group == NULL:
        return
    if not arg_i64_or(c, argv[4], &how.min_idle_ms, b"ERR Invalid min-idle-time argument for XCLAIM"):
        return
    while behind_ids < argc and read_stream_id(argv[behind_ids], 0, &id, NULL):
        behind_ids += 1
    if not arg_claim_options(e, c, argc, argv, behind_ids, &how):
        return
    begin_claim(&w, e, c, argv[1], entry, group, argv[3])
    moved = how.flags & CLAIM_LASTID and stream_id_compare(how.last_id, group.last_id) > 0
    if moved:
        group.last_id = how.last_id
    dirty = e.ks.dirty
    claim_ids(&w, &how, behind_ids - 5, argv + 5)
    if moved and e.ks.dirty == dirty:
        propagate_read(e, c, argv[1], group)
        mutated_aside(c.db, argv[1], NOTIFY_STREAM, NULL, 1)
    end_claim(&w)


cdef void claim_from(Claimer* w, const Claim* how, StreamId start, int64_t count, Buf* deleted) noexcept nogil:
    """Replies where to go on, and with what was claimed; `deleted` gets the ids of what was forgotten."""
    cdef Client* c = w.c
    cdef PendingIter it
    cdef size_t cursor = reply_defer(&c.reply)
    cdef size_t place
    cdef int64_t looks = count * LOOKS if count < INT64_MAX // LOOKS else INT64_MAX
    cdef int64_t told = 0
    cdef StreamId behind = least_stream_id()
    cdef char[STREAM_ID_TEXT] text
    place = reply_defer(&c.reply)
    pending_iter(&it, w.group, NULL, start)
    while looks > 0 and count > 0 and pending_iter_next(&it):
        looks -= 1
        if not stream_has(w.s, it.pending.id):
            forget_deleted(w.e, c, w.key, w.group, &it.pending)
            buf_append(deleted, &it.pending.id, sizeof(StreamId))
            count -= 1
        elif idle_ms(w.e, it.pending.time) >= how.min_idle_ms:
            claim(w, how, &it.pending)
            told += 1
            count -= 1
    reply_defer_array(&c.reply, place, told)
    if pending_iter_next(&it):
        behind = it.pending.id
    reply_defer_bulk(&c.reply, cursor, stream_id_slice(text, behind))


cdef void xautoclaim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]. Propagates XCLAIM for each entry that was claimed or
    forgotten."""
    cdef Claim how
    cdef Claimer w
    cdef Options options
    cdef uint32_t option
    cdef int64_t count = AUTOCLAIM_DEFAULT
    cdef StreamId start
    cdef Entry* entry
    cdef StreamGroup* group
    if not arg_i64_or(c, argv[4], &how.min_idle_ms, b"ERR Invalid min-idle-time argument for XAUTOCLAIM"):
        return
    if not arg_range_start(c, argv[5], &start):
        return
    options_begin(&options, &AUTOCLAIM_OPTIONS, argc, argv, 6)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return
        if option == AUTOCLAIM_COUNT:
            if not arg_in_range(c, options.value[0], 1, AUTOCLAIM_MOST, &count, b"ERR COUNT must be > 0"):
                return
    entry = lookup_read(c.db, argv[1])
    group = check_group(c, argv[1], entry, argv[2], b"'")
    if group == NULL:
        return
    how.flags = options.flags
    how.time = e.ks.clock.ms
    how.retry_count = -1
    begin_claim(&w, e, c, argv[1], entry, group, argv[3])
    reply_array(&c.reply, 3)
    autoclaim(&w, &how, start, count)
    end_claim(&w)


cdef void autoclaim(Claimer* w, const Claim* how, StreamId start, int64_t count) noexcept nogil:
    cdef Buf deleted
    cdef const StreamId* ids
    cdef size_t i
    buf_init(&deleted)
    claim_from(w, how, start, count, &deleted)
    if deleted.failed:
        w.c.reply.out.failed = True
    ids = <const StreamId*>deleted.data
    reply_array(&w.c.reply, <int64_t>(deleted.len // sizeof(StreamId)))
    for i in range(deleted.len // sizeof(StreamId)):
        reply_stream_id(&w.c.reply, ids[i])
    buf_free(&deleted)
