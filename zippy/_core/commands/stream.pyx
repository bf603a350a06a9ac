# A new stream is put under its key when it has its first entry, so that a refused XADD leaves nothing behind. A stream that has become
# empty stays: its last id must not be given again.

from libc.stdint cimport UINT64_MAX, int64_t, uint32_t, uint64_t
from zippy._core.ground.id_tree cimport StreamId, stream_id_compare, stream_id_is_zero
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.stream_id cimport (
    STREAM_ID_TEXT, arg_stream_id, greatest_stream_id, read_stream_id, stream_id_slice
)
from zippy._core.commands.stream_trim cimport (
    ADD_ANY_ID, ADD_NOMKSTREAM, TrimOptions, arg_trim_limit, arg_trim_options, propagate_trimmed, trim_stream
)
from zippy._core.keyspace.db cimport lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated, mutated_aside, notify
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_int, reply_null, reply_ok
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport (
    STREAM_ID_TOO_SMALL, STREAM_OK, Stream, stream_append, stream_last_entry, stream_length, stream_new, stream_next_id, stream_of,
    stream_set_id
)

cdef enum SetIdFlag:
    SETID_ENTRIESADDED = 1
    SETID_MAXDELETEDID = 2

cdef OptionTable SETID_OPTIONS = option_table("xsetid", [
    ("entriesadded", SETID_ENTRIESADDED, 0, 1),
    ("maxdeletedid", SETID_MAXDELETEDID, 0, 1),
])


cdef struct AddId:
    # the id that XADD was given
    StreamId id
    bint any                     # *
    bint any_seq                 # <ms>-*


cdef bint read_add_id(Client* c, const TrimOptions* t, Slice word, AddId* a) noexcept nogil:
    a.any = t.flags & ADD_ANY_ID
    a.any_seq = False
    if a.any or read_stream_id(word, 0, &a.id, &a.any_seq):
        return True
    reply_error(&c.reply, b"ERR Invalid stream ID specified as stream command argument")
    return False


cdef bint choose_id(Engine* e, Client* c, const Stream* s, AddId* a) noexcept nogil:
    """Completes the id for a stream. False: none is left, and the reply was written; whether it is above the others is seen later."""
    if stream_id_compare(s.last_id, greatest_stream_id()) == 0 or a.any and not stream_next_id(s, <uint64_t>e.ks.clock.ms, &a.id):
        reply_error(&c.reply, b"ERR The stream has exhausted the last possible ID, unable to add more items")
        return False
    if a.any_seq and a.id.ms == s.last_id.ms and s.last_id.seq != UINT64_MAX:
        a.id.seq = s.last_id.seq + 1
    return True


cdef bint append(Engine* e, Client* c, Stream* s, AddId* a, int pairs, const Slice* elements) noexcept nogil:
    cdef int status
    if not choose_id(e, c, s, a):
        return False
    status = stream_append(s, &e.settings, a.id, pairs, elements)
    if status == STREAM_ID_TOO_SMALL:
        reply_error(&c.reply, b"ERR The ID specified in XADD is equal or smaller than the target stream top item")
    elif status != STREAM_OK:
        reply_error(&c.reply, b"ERR Elements are too large to be stored")
    return status == STREAM_OK


cdef void xadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value
    ...]. Propagates the id that was generated, and what an approximate threshold came to."""
    cdef TrimOptions t
    cdef AddId a
    cdef int pairs
    if not arg_trim_options(c, argc, argv, True, &t):
        return
    if t.id_at < argc and not read_add_id(c, &t, argv[t.id_at], &a) or not arg_trim_limit(c, True, &t):
        return
    pairs = (argc - t.id_at - 1) // 2
    if t.id_at >= argc - 2 or (argc - t.id_at) & 1 == 0:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'xadd' command")
    elif not a.any and not a.any_seq and stream_id_is_zero(a.id):
        reply_error(&c.reply, b"ERR The ID specified in XADD must be greater than 0-0")
    else:
        add(e, c, argc, argv, &t, &a, pairs)


cdef void add(Engine* e, Client* c, int argc, Slice* argv, const TrimOptions* t, AddId* a, int pairs) noexcept nogil:
    cdef Entry* old = open_for_write(c.db, argv[1])
    cdef Entry* entry = old
    cdef char[STREAM_ID_TEXT] text
    cdef Slice id
    if old == NULL and t.flags & ADD_NOMKSTREAM:
        reply_null(&c.reply)
        return
    if not check_type(c, old, TYPE_STREAM):
        return
    if old == NULL:
        entry = stream_new(argv[1])
    if not append(e, c, stream_of(entry), a, pairs, argv + t.id_at + 1):
        if old == NULL:
            free_entry(&e.ks, entry)
        return
    if old == NULL:
        put_new(c.db, entry)
    id = stream_id_slice(text, a.id)
    reply_bulk(&c.reply, id)
    mutated(c.db, argv[1], NOTIFY_STREAM, b"xadd", 1)
    if trim_stream(e, stream_of(entry), t):
        notify(c.db, NOTIFY_STREAM, b"xtrim", argv[1])
    if a.any or a.any_seq or t.trim.approximate:
        propagate_trimmed(e, c, argc, argv, t, stream_of(entry), &id)


cdef void xlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XLEN key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_STREAM):
        reply_int(&c.reply, <int64_t>stream_length(entry) if entry != NULL else 0)


cdef bint arg_setid_options(Client* c, int argc, Slice* argv, StreamId id, int64_t* added, StreamId* max_deleted) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    options_begin(&options, &SETID_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == SETID_ENTRIESADDED:
            if not arg_i64(c, options.value[0], added):
                return False
            if added[0] < 0:
                reply_error(&c.reply, b"ERR entries_added must be positive")
                return False
        elif option == SETID_MAXDELETEDID:
            if not arg_stream_id(c, options.value[0], max_deleted):
                return False
            if stream_id_compare(id, max_deleted[0]) < 0:
                reply_error(&c.reply, b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
                return False
        else:
            reply_syntax_error(c)
            return False
    return True


cdef const char* wrong_in_setid(Stream* s, StreamId id, int64_t added) noexcept nogil:
    """The error, NULL: there is none."""
    cdef StreamId last
    if stream_id_compare(id, s.max_deleted_id) < 0:
        return b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
    if stream_last_entry(s, &last):
        if stream_id_compare(id, last) < 0:
            return b"ERR The ID specified in XSETID is smaller than the target stream top item"
        if added >= 0 and <uint64_t>added < s.length:
            return b"ERR The entries_added specified in XSETID is smaller than the target stream length"
    return NULL


cdef void xsetid_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]."""
    cdef StreamId id
    cdef StreamId max_deleted = StreamId(0, 0)
    cdef int64_t added = -1
    cdef const char* wrong
    cdef Entry* entry
    if not arg_stream_id(c, argv[2], &id) or not arg_setid_options(c, argc, argv, id, &added, &max_deleted):
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL:
        reply_error(&c.reply, b"ERR no such key")
        return
    if not check_type(c, entry, TYPE_STREAM):
        return
    wrong = wrong_in_setid(stream_of(entry), id, added)
    if wrong != NULL:
        reply_error(&c.reply, wrong)
        return
    stream_set_id(stream_of(entry), id, added, &max_deleted)
    mutated_aside(c.db, argv[1], NOTIFY_STREAM, b"xsetid", 1)
    reply_ok(&c.reply)
