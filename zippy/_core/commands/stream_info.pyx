# Some figures tell how Redis holds a stream; they are what Redis would tell, not what is here.

from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_subcommand_error
)
from zippy._core.commands.stream_group cimport idle_ms, reply_no_such_group
from zippy._core.commands.stream_id cimport greatest_stream_id, least_stream_id, reply_stream_id
from zippy._core.commands.stream_range cimport reply_entries, reply_entry_of
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport (
    Reply, reply_array, reply_bulk, reply_bulk_text, reply_defer, reply_defer_array, reply_error, reply_int, reply_map, reply_null
)
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport (
    Stream, stream_blocks, stream_group, stream_group_lag, stream_last_entry, stream_of, stream_radix_nodes
)
from zippy._core.values.stream_group cimport (
    NEVER, READ_UNKNOWN, PendingIter, StreamConsumer, StreamGroup, consumer_name, group_name, pending_iter, pending_iter_next
)

cdef enum InfoFlag:
    INFO_FULL = 1 << 0
    INFO_COUNT = 1 << 1

cdef enum:
    FULL_COUNT = 10              # of XINFO STREAM FULL
    FULL_WORDS = 6               # of the longest one

cdef OptionTable INFO_OPTIONS = option_table("xinfo|stream", [("full", INFO_FULL), ("count", INFO_COUNT, 0, 1)])


cdef Stream* find_stream(Client* c, Slice key) noexcept nogil:
    """NULL: replied with an error."""
    cdef Entry* entry = lookup_read(c.db, key)
    if entry == NULL:
        reply_error(&c.reply, b"ERR no such key")
        return NULL
    return stream_of(entry) if check_type(c, entry, TYPE_STREAM) else NULL


cdef void reply_id_of(Reply* r, const char* name, StreamId id) noexcept nogil:
    reply_bulk_text(r, name)
    reply_stream_id(r, id)


cdef void reply_int_of(Reply* r, const char* name, int64_t n) noexcept nogil:
    reply_bulk_text(r, name)
    reply_int(r, n)


cdef void reply_progress(Reply* r, const Stream* s, const StreamGroup* group) noexcept nogil:
    """How many entries a group has read and how many it has not, as far as that is known."""
    cdef int64_t lag
    reply_bulk_text(r, b"entries-read")
    if group.entries_read == READ_UNKNOWN:
        reply_null(r)
    else:
        reply_int(r, group.entries_read)
    reply_bulk_text(r, b"lag")
    if stream_group_lag(s, group, &lag):
        reply_int(r, lag)
    else:
        reply_null(r)


cdef void reply_stream_facts(Reply* r, const Stream* s) noexcept nogil:
    """The first seven pairs of XINFO STREAM, full or not."""
    reply_int_of(r, b"length", <int64_t>s.length)
    reply_int_of(r, b"radix-tree-keys", <int64_t>stream_blocks(s))
    reply_int_of(r, b"radix-tree-nodes", <int64_t>stream_radix_nodes(s))
    reply_id_of(r, b"last-generated-id", s.last_id)
    reply_id_of(r, b"max-deleted-entry-id", s.max_deleted_id)
    reply_int_of(r, b"entries-added", <int64_t>s.entries_added)
    reply_id_of(r, b"recorded-first-entry-id", s.first_id)


cdef void reply_entry_at(Reply* r, Stream* s, const char* name, StreamId id) noexcept nogil:
    reply_bulk_text(r, name)
    if not reply_entry_of(r, s, id):
        reply_null(r)


cdef void reply_stream(Reply* r, Stream* s) noexcept nogil:
    cdef StreamId last = greatest_stream_id()
    stream_last_entry(s, &last)
    reply_map(r, 10)
    reply_stream_facts(r, s)
    reply_int_of(r, b"groups", s.group_count)
    reply_entry_at(r, s, b"first-entry", s.first_id)
    reply_entry_at(r, s, b"last-entry", last)


cdef void reply_pending_list(Reply* r, StreamGroup* group, StreamConsumer* consumer, int64_t count) noexcept nogil:
    """The first entries (negative: all) that are pending for a consumer, or in the whole group and with their consumers' names."""
    cdef PendingIter it
    cdef size_t place
    cdef int64_t told = 0
    reply_bulk_text(r, b"pending")
    place = reply_defer(r)
    pending_iter(&it, group, consumer, least_stream_id())
    while told != count and pending_iter_next(&it):
        reply_array(r, 4 if consumer == NULL else 3)
        reply_stream_id(r, it.pending.id)
        if consumer == NULL:
            reply_bulk(r, consumer_name(it.pending.consumer))
        reply_int(r, it.pending.time)
        reply_int(r, <int64_t>it.pending.count)
        told += 1
    reply_defer_array(r, place, told)


cdef void reply_full_consumer(Reply* r, StreamGroup* group, StreamConsumer* consumer, int64_t count) noexcept nogil:
    reply_map(r, 5)
    reply_bulk_text(r, b"name")
    reply_bulk(r, consumer_name(consumer))
    reply_int_of(r, b"seen-time", consumer.seen)
    reply_int_of(r, b"active-time", consumer.active)
    reply_int_of(r, b"pel-count", <int64_t>consumer.pending.count)
    reply_pending_list(r, group, consumer, count)


cdef void reply_full_group(Reply* r, const Stream* s, StreamGroup* group, int64_t count) noexcept nogil:
    cdef uint32_t i
    reply_map(r, 7)
    reply_bulk_text(r, b"name")
    reply_bulk(r, group_name(group))
    reply_id_of(r, b"last-delivered-id", group.last_id)
    reply_progress(r, s, group)
    reply_int_of(r, b"pel-count", <int64_t>group.pending.count)
    reply_pending_list(r, group, NULL, count)
    reply_bulk_text(r, b"consumers")
    reply_array(r, group.count)
    for i in range(group.count):
        reply_full_consumer(r, group, group.consumers[i], count)


cdef void reply_full_stream(Reply* r, Stream* s, int64_t count) noexcept nogil:
    cdef uint32_t i
    reply_map(r, 9)
    reply_stream_facts(r, s)
    reply_bulk_text(r, b"entries")
    reply_entries(r, s, least_stream_id(), greatest_stream_id(), False, count)
    reply_bulk_text(r, b"groups")
    reply_array(r, s.group_count)
    for i in range(s.group_count):
        reply_full_group(r, s, s.groups[i], count)


cdef bint arg_full(Client* c, int argc, Slice* argv, int64_t* count) noexcept nogil:
    """Reads FULL [COUNT count]; False: replied with an error."""
    cdef Options options
    options_begin(&options, &INFO_OPTIONS, argc, argv, 3)
    if argc > FULL_WORDS or arg_option(&options) != INFO_FULL or (options.at < argc and arg_option(&options) != INFO_COUNT):
        reply_subcommand_error(c, argv[1], b"XINFO")
        return False
    count[0] = FULL_COUNT
    if options.flags & INFO_COUNT:
        if not arg_i64(c, options.value[0], count):
            return False
        if count[0] < 0:
            count[0] = FULL_COUNT
        elif count[0] == 0:
            # all of them
            count[0] = -1
    return True


cdef void xinfo_stream_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XINFO STREAM key [FULL [COUNT count]]."""
    cdef Stream* s = find_stream(c, argv[2])
    cdef int64_t count
    if s == NULL:
        return
    if argc == 3:
        reply_stream(&c.reply, s)
    elif arg_full(c, argc, argv, &count):
        reply_full_stream(&c.reply, s, count)


cdef void xinfo_groups_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XINFO GROUPS key."""
    cdef Stream* s = find_stream(c, argv[2])
    cdef Reply* r = &c.reply
    cdef const StreamGroup* group
    cdef uint32_t i
    if s == NULL:
        return
    reply_array(r, s.group_count)
    for i in range(s.group_count):
        group = s.groups[i]
        reply_map(r, 6)
        reply_bulk_text(r, b"name")
        reply_bulk(r, group_name(group))
        reply_int_of(r, b"consumers", group.count)
        reply_int_of(r, b"pending", <int64_t>group.pending.count)
        reply_id_of(r, b"last-delivered-id", group.last_id)
        reply_progress(r, s, group)


cdef void xinfo_consumers_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XINFO CONSUMERS key group."""
    cdef Stream* s = find_stream(c, argv[2])
    cdef Reply* r = &c.reply
    cdef const StreamConsumer* consumer
    cdef StreamGroup* group
    cdef int64_t idle
    cdef int64_t inactive
    cdef uint32_t i
    if s == NULL:
        return
    group = stream_group(s, argv[3])
    if group == NULL:
        reply_no_such_group(c, argv[2], argv[3])
        return
    reply_array(r, group.count)
    for i in range(group.count):
        consumer = group.consumers[i]
        idle = idle_ms(e, consumer.seen)
        inactive = idle_ms(e, consumer.active)
        reply_map(r, 4)
        reply_bulk_text(r, b"name")
        reply_bulk(r, consumer_name(consumer))
        reply_int_of(r, b"pending", <int64_t>consumer.pending.count)
        reply_int_of(r, b"idle", idle if idle > 0 else 0)
        reply_int_of(r, b"inactive", NEVER if consumer.active == NEVER else inactive if inactive > 0 else 0)
