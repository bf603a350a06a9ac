# All ids are read before the first one is worked on, and again then: reading is cheaper than keeping them.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t
from zippy._core.ground.id_tree cimport StreamId
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_in_range, arg_option, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.stream_id cimport arg_stream_id, read_stream_id
from zippy._core.keyspace.db cimport lookup_read, open_for_write, open_found
from zippy._core.keyspace.effects cimport mutated_aside, mutated_by_removal
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport reply_array, reply_error, reply_int
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport (
    ACKED_ONLY, DELETE_REFERENCES, DELETED, DELETED_NOT_FOUND, KEEP_REFERENCES, Stream, stream_delete, stream_group, stream_of
)
from zippy._core.values.stream_group cimport StreamGroup, pending_remove

cdef enum RemovalFlag:
    REMOVAL_KEEPREF = 1 << 0
    REMOVAL_DELREF = 1 << 1
    REMOVAL_ACKED = 1 << 2
    REMOVAL_IDS = 1 << 3
    ANY_REFERENCES = REMOVAL_KEEPREF | REMOVAL_DELREF | REMOVAL_ACKED

cdef OptionTable REMOVAL_OPTIONS = option_table("xdelex xackdel", [
    ("keepref", REMOVAL_KEEPREF, ANY_REFERENCES),
    ("delref", REMOVAL_DELREF, ANY_REFERENCES),
    ("acked", REMOVAL_ACKED, ANY_REFERENCES),
    ("ids", REMOVAL_IDS, 0, 2),
])


cdef struct Removal:
    # what XDELEX or XACKDEL was asked for
    int references               # StreamReferences
    int first                    # in argv: the first id
    int count                    # ids


cdef bint arg_count_of_ids(Client* c, Slice word, int words, int* count) noexcept nogil:
    """Reads how many ids there are to be among the words that follow."""
    cdef int64_t n
    if not arg_in_range(c, word, 1, INT64_MAX, &n, b"ERR Number of IDs must be a positive integer"):
        return False
    if n > words:
        reply_error(&c.reply, b"ERR The `numids` parameter must match the number of arguments")
        return False
    count[0] = <int>n
    return True


cdef bint arg_removal(Client* c, int argc, const Slice* argv, int at, Removal* r) noexcept nogil:
    """Reads [KEEPREF | DELREF | ACKED] IDS numids id [id ...] from argv[at] on."""
    cdef Options options
    cdef uint32_t option
    r.count = 0
    options_begin(&options, &REMOVAL_OPTIONS, argc, argv, at)
    while options.at < argc:
        if options.at == argc - 2 and arg_choice(&REMOVAL_OPTIONS, argv[options.at]) == REMOVAL_IDS:
            # no id follows, which is told as any other wrong number
            return arg_count_of_ids(c, argv[argc - 1], 0, &r.count)
        option = arg_option(&options)
        if option == 0:
            break
        if option == REMOVAL_IDS:
            r.first = options.at - 1
            if not arg_count_of_ids(c, options.value[0], argc - r.first, &r.count):
                return False
            options.at = r.first + r.count
    if options.at < argc or r.count == 0:
        reply_syntax_error(c)
        return False
    r.references = (
        DELETE_REFERENCES if options.flags & REMOVAL_DELREF else ACKED_ONLY if options.flags & REMOVAL_ACKED else KEEP_REFERENCES
    )
    return True


cdef bint are_ids(Client* c, int count, const Slice* words) noexcept nogil:
    cdef StreamId id
    cdef int i
    for i in range(count):
        if not arg_stream_id(c, words[i], &id):
            return False
    return True


cdef void reply_not_found(Client* c, int count) noexcept nogil:
    cdef int _
    reply_array(&c.reply, count)
    for _ in range(count):
        reply_int(&c.reply, DELETED_NOT_FOUND)


cdef void xdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XDEL key id [id ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef StreamId id
    cdef int64_t deleted = 0
    cdef int i
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    if not check_type(c, entry, TYPE_STREAM) or not are_ids(c, argc - 2, argv + 2):
        return
    for i in range(2, argc):
        read_stream_id(argv[i], 0, &id, NULL)
        deleted += stream_delete(stream_of(entry), id, KEEP_REFERENCES) == DELETED
    if deleted:
        mutated_by_removal(c.db, argv[1], NOTIFY_STREAM, b"xdel", deleted)
    reply_int(&c.reply, deleted)


cdef void xdelex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]."""
    cdef Removal r
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef StreamId id
    cdef int64_t deleted = 0
    cdef int status
    cdef int i
    if not check_type(c, entry, TYPE_STREAM) or not arg_removal(c, argc, argv, 2, &r):
        return
    if entry == NULL:
        reply_not_found(c, r.count)
        return
    if not are_ids(c, r.count, argv + r.first):
        return
    reply_array(&c.reply, r.count)
    for i in range(r.first, r.first + r.count):
        read_stream_id(argv[i], 0, &id, NULL)
        status = stream_delete(stream_of(entry), id, r.references)
        deleted += status == DELETED
        reply_int(&c.reply, status)
    if deleted:
        mutated_by_removal(c.db, argv[1], NOTIFY_STREAM, b"xdel", deleted)


cdef void xack_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XACK key group id [id ...]."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef StreamGroup* group
    cdef StreamId id
    cdef int64_t acknowledged = 0
    cdef int i
    if not check_type(c, entry, TYPE_STREAM):
        return
    group = stream_group(stream_of(entry), argv[2]) if entry != NULL else NULL
    if group == NULL:
        reply_int(&c.reply, 0)
        return
    if not are_ids(c, argc - 3, argv + 3):
        return
    open_found(c.db, entry)
    for i in range(3, argc):
        read_stream_id(argv[i], 0, &id, NULL)
        acknowledged += pending_remove(group, id)
    if acknowledged:
        mutated_aside(c.db, argv[1], NOTIFY_STREAM, NULL, acknowledged)
    reply_int(&c.reply, acknowledged)


cdef void xackdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]."""
    cdef Removal r
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef StreamGroup* group
    if not check_type(c, entry, TYPE_STREAM) or not arg_removal(c, argc, argv, 3, &r):
        return
    group = stream_group(stream_of(entry), argv[2]) if entry != NULL else NULL
    if group == NULL:
        reply_not_found(c, r.count)
    elif are_ids(c, r.count, argv + r.first):
        open_found(c.db, entry)
        acknowledge_and_delete(c, argv[1], stream_of(entry), group, &r, argv)


cdef void acknowledge_and_delete(Client* c, Slice key, Stream* s, StreamGroup* group, const Removal* r, Slice* argv) noexcept nogil:
    """Replies for each id what came of it; one that is not pending in the group is left alone."""
    cdef StreamId id
    cdef int64_t acknowledged = 0
    cdef int64_t deleted = 0
    cdef int status
    cdef int i
    reply_array(&c.reply, r.count)
    for i in range(r.first, r.first + r.count):
        read_stream_id(argv[i], 0, &id, NULL)
        status = DELETED_NOT_FOUND
        if pending_remove(group, id):
            acknowledged += 1
            status = stream_delete(s, id, r.references)
            deleted += status == DELETED
            if status == DELETED_NOT_FOUND:
                # it was deleted before, and now it is acknowledged
                status = DELETED
        reply_int(&c.reply, status)
    if deleted:
        mutated_by_removal(c.db, key, NOTIFY_STREAM, b"xdel", acknowledged)
    elif acknowledged:
        mutated_aside(c.db, key, NOTIFY_STREAM, NULL, acknowledged)
