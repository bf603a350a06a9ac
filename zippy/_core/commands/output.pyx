# Limits are looked at where output grows, not by a timer: a client that is over its hard limit is closed in the turn in which it came
# there.

from libc.stdint cimport SIZE_MAX
from zippy._core.ground.byte_queue cimport bq_piece
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.types cimport (
    CLIENT_CLOSING, CLIENT_INTERNAL, CLIENT_MASTER, CLIENT_OUT_OF_MEMORY, CLIENT_OVER_LIMIT, CLIENT_PENDING, CLIENT_REPLICA,
    CLIENT_STRANGER, OUTPUT_NORMAL, OUTPUT_PUBSUB, OUTPUT_REPLICA, OutputLimit
)
from zippy._core.resp.writer cimport reply_cut, reply_error


cdef enum:
    REPEATS_MAX = 10_000_000     # items: one to three seconds of drawing and writing
    LEAST_ITEM = 6               # bytes that an empty string takes in a reply

cdef enum:
    STRANGER_OUTPUT = 16 * 1024   # bytes that may be unsent to a client that has not authenticated, as in Redis 8.2


cdef int client_output_class(const Client* c) noexcept nogil:
    if c.flags & CLIENT_REPLICA:
        return OUTPUT_REPLICA
    if c.channels.count or c.patterns.count or c.shard_channels.count:
        return OUTPUT_PUBSUB
    return OUTPUT_NORMAL


cdef size_t longest_reply(const Engine* e, const Client* c) noexcept nogil:
    """Bytes: who would be closed for more gets no more."""
    cdef int64_t hard = e.output_limits[client_output_class(c)].hard
    cdef int64_t longest = e.settings.proto_max_bulk_len
    return <size_t>(hard if hard and hard < longest else longest)


cdef bint reply_may_repeat(Engine* e, Client* c, uint64_t items) noexcept nogil:
    if items > REPEATS_MAX or items * LEAST_ITEM > longest_reply(e, c):
        reply_error(&c.reply, b"ERR value is out of range")
        return False
    return True


cdef bint reply_may_go_on(Engine* e, Client* c, size_t place) noexcept nogil:
    if c.reply.out.failed:
        return False
    if c.reply.out.len - place > longest_reply(e, c):
        reply_cut(&c.reply, place)
        reply_error(&c.reply, b"ERR reply exceeds maximum allowed size (proto-max-bulk-len)")
        return False
    return True


cdef void leave_soft_limit(Engine* e, Client* c) noexcept nogil:
    e.soft_limited -= c.soft_limit_us != 0
    c.soft_limit_us = 0


cdef bint above_limit(Engine* e, Client* c, size_t waiting) noexcept nogil:
    cdef OutputLimit* limit = &e.output_limits[client_output_class(c)]
    if c.flags & CLIENT_STRANGER and waiting > STRANGER_OUTPUT:
        return True
    if limit.hard and waiting > <size_t>limit.hard:
        return True
    if not limit.soft or waiting <= <size_t>limit.soft:
        leave_soft_limit(e, c)
        return False
    if c.soft_limit_us == 0:
        c.soft_limit_us = e.ks.clock.mono_us
        e.soft_limited += 1
    return e.ks.clock.mono_us - c.soft_limit_us > limit.soft_seconds * 1000000


cdef inline void put_pending(Engine* e, Client* c) noexcept nogil:
    c.flags |= CLIENT_PENDING
    c.prev_pending = NULL
    c.next_pending = e.pending
    if e.pending != NULL:
        e.pending.prev_pending = c
    e.pending = c


cdef void take_pending(Engine* e, Client* c) noexcept nogil:
    if not c.flags & CLIENT_PENDING:
        return
    c.flags &= ~<uint64_t>CLIENT_PENDING
    if c.prev_pending != NULL:
        c.prev_pending.next_pending = c.next_pending
    else:
        e.pending = c.next_pending
    if c.next_pending != NULL:
        c.next_pending.prev_pending = c.prev_pending


cdef size_t client_feed_bytes(const Client* c) noexcept nogil:
    return 0 if c.feed.held else <size_t>(c.engine.relay.bytes.end - c.feed.cursor.at)


cdef size_t client_waiting_bytes(const Client* c) noexcept nogil:
    cdef size_t bytes = c.reply.out.len - c.reply.sent
    return bytes if c.feed == NULL else bytes + <size_t>(c.engine.relay.bytes.end - c.feed.cursor.at)


cdef Slice feed_piece(const Client* c) noexcept nogil:
    if c.feed.held:
        return slice_of(NULL, 0)
    return bq_piece(&c.engine.relay.bytes, &c.feed.cursor)


cdef void client_has_output(Engine* e, Client* c) noexcept nogil:
    cdef size_t waiting = client_waiting_bytes(c)
    if c.flags & (CLIENT_INTERNAL | CLIENT_MASTER) or client_is_heard(e, c):
        return
    if not c.flags & CLIENT_CLOSING and c.reply.out.failed:
        c.flags |= CLIENT_CLOSING | CLIENT_OUT_OF_MEMORY
    elif not c.flags & CLIENT_CLOSING and above_limit(e, c, waiting):
        e.stats.output_limit_disconnects += 1
        c.flags |= CLIENT_CLOSING | CLIENT_OVER_LIMIT
    if not c.flags & CLIENT_PENDING:
        put_pending(e, c)


cdef void set_output_limit(Engine* e, int output_class, int64_t hard, int64_t soft, int64_t soft_seconds) noexcept nogil:
    cdef int i
    e.output_limits[output_class].hard = hard
    e.output_limits[output_class].soft = soft
    e.output_limits[output_class].soft_seconds = soft_seconds
    e.unlimited_output = SIZE_MAX
    for i in range(3):
        hard = e.output_limits[i].hard
        soft = e.output_limits[i].soft
        if hard and <size_t>hard < e.unlimited_output:
            e.unlimited_output = hard
        if soft and <size_t>soft < e.unlimited_output:
            e.unlimited_output = soft


cdef Client* next_pending(Engine* e) noexcept nogil:
    cdef Client* c = e.pending
    if c != NULL:
        take_pending(e, c)
    return c


cdef void closing_first(Engine* e) noexcept nogil:
    cdef Client* c = e.pending
    cdef Client* after
    if not e.closing:
        return
    e.closing = False
    while c != NULL:
        after = c.next_pending
        if c.flags & CLIENT_CLOSING:
            take_pending(e, c)
            put_pending(e, c)
        c = after


cdef void client_close(Client* c, Engine* e) noexcept nogil:
    c.flags |= CLIENT_CLOSING
    e.closing = True
    if not c.flags & CLIENT_PENDING:
        put_pending(e, c)


cdef void check_soft_limits(Engine* e) noexcept nogil:
    cdef Client* c = e.clients
    while e.soft_limited and c != NULL:
        if c.soft_limit_us:
            client_has_output(e, c)
        c = c.next
