# A payload comes from anyone, so it is checked as a file is (values/rdb) before a byte of it is believed; what was there before goes only
# when the new value is complete.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, slice_of, slice_text
from zippy._core.ground.mem cimport mem_alloc, mem_free
from zippy._core.ground.number cimport num_write_i64
from zippy._core.commands.args cimport (
    Options, OptionTable, arg_i64, arg_option, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.lru cimport access_of_saved
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_OVERWRITTEN, NOTIFY_TYPE_CHANGED
from zippy._core.resp.writer cimport reply_bulk_of, reply_error, reply_null, reply_ok
from zippy._core.values.entry cimport NO_EXPIRY, Entry, entry_set_access, entry_type
from zippy._core.values.rdb cimport RDB_PAYLOAD_FOOTER, RDB_VERSION, rdb_payload_fits, rdb_read_value, rdb_write_payload
from zippy._core.values.rdb_stream cimport (
    RDB_NO_MEMORY, RdbReader, RdbWriter, rdb_read_byte, rdb_reader_init, rdb_writer_free, rdb_writer_init
)
from zippy._core.values.value cimport value_free

cdef enum:
    FREQ_MAX = 255


cdef enum RestoreFlag:
    RESTORE_REPLACE = 1
    RESTORE_ABSTTL = 2          # the expiry is a moment, not a span
    RESTORE_IDLETIME = 4
    RESTORE_FREQ = 8

cdef OptionTable RESTORE_OPTIONS = option_table("restore restore-asking", [
    ("replace", RESTORE_REPLACE),
    ("absttl", RESTORE_ABSTTL),
    ("idletime", RESTORE_IDLETIME, RESTORE_FREQ, 1),
    ("freq", RESTORE_FREQ, RESTORE_IDLETIME, 1),
])


cdef struct Restore:
    uint32_t flags              # RestoreFlag bits
    int64_t idle                # seconds, -1: not given
    int64_t freq                # LFU counter, -1: not given
    int64_t expiry              # ms since the epoch, or NO_EXPIRY


cdef void dump_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DUMP key. Writes the payload in the version of RDB that Redis 8.2 writes."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef RdbWriter w
    if entry == NULL:
        reply_null(&c.reply)
        return
    if rdb_writer_init(&w, -1, RDB_VERSION):
        w.compress = True
    if w.error == 0 and rdb_write_payload(&w, entry):
        reply_bulk_of(&c.reply, &w.data, w.len, w.cap)
    else:
        reply_out_of_memory(c)
    rdb_writer_free(&w)


cdef bint parse(Client* c, int argc, const Slice* argv, Restore* restore) noexcept nogil:
    """Reads the options; False: replied with an error."""
    cdef Options options
    cdef uint32_t option
    options_begin(&options, &RESTORE_OPTIONS, argc, argv, 4)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return False
        if option == RESTORE_IDLETIME:
            if not arg_i64(c, options.value[0], &restore.idle):
                return False
            if restore.idle < 0:
                reply_error(&c.reply, b"ERR Invalid IDLETIME value, must be >= 0")
                return False
        elif option == RESTORE_FREQ:
            if not arg_i64(c, options.value[0], &restore.freq):
                return False
            if restore.freq < 0 or restore.freq > FREQ_MAX:
                reply_error(&c.reply, b"ERR Invalid FREQ value, must be >= 0 and <= 255")
                return False
    restore.flags = options.flags
    return True


cdef bint parse_expiry(Engine* e, Client* c, Slice text, Restore* o) noexcept nogil:
    cdef int64_t n
    if not arg_i64(c, text, &n):
        return False
    if n < 0:
        reply_error(&c.reply, b"ERR Invalid TTL value, must be >= 0")
        return False
    if n == 0:
        o.expiry = NO_EXPIRY
    elif o.flags & RESTORE_ABSTTL:
        o.expiry = n
    else:
        # a span past the end of time is over at once, as in Redis
        o.expiry = e.ks.clock.ms + n if n <= INT64_MAX - e.ks.clock.ms else 0
    return True


cdef Entry* read_payload(Engine* e, Client* c, Slice key, Slice payload, const Restore* o) noexcept nogil:
    """The entry that a payload makes; NULL after an error reply."""
    cdef RdbReader r
    cdef Entry* entry = NULL
    cdef int type
    if not rdb_payload_fits(payload):
        reply_error(&c.reply, b"ERR DUMP payload version or checksum are wrong")
        return NULL
    rdb_reader_init(&r, payload.ptr, payload.len - RDB_PAYLOAD_FOOTER)
    type = rdb_read_byte(&r)
    if type >= 0:
        entry = rdb_read_value(&r, type, key, o.expiry, &e.settings)
    if entry == NULL:
        if r.status == RDB_NO_MEMORY:
            reply_out_of_memory(c)
        else:
            reply_error(&c.reply, b"ERR Bad data format")
    return entry


cdef void drop_expired(Engine* e, Client* c, Slice key, bint there) noexcept nogil:
    """What is left of a RESTORE whose time is over: a key that it replaces goes."""
    cdef Slice[2] request = [slice_text(b"UNLINK" if e.settings.lazyfree_lazy_server_del else b"DEL"), key]
    if not there:
        return
    delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)
    propagate_instead(e, c, 2, request)


cdef void propagate_absolute(Engine* e, Client* c, int argc, const Slice* argv, const Restore* o) noexcept nogil:
    """The same request with the moment instead of the span."""
    cdef Slice* request
    cdef char[24] number
    if o.expiry == NO_EXPIRY or o.flags & RESTORE_ABSTTL:
        return
    request = <Slice*>mem_alloc((argc + 1) * sizeof(Slice))
    memcpy(request, argv, argc * sizeof(Slice))
    request[2] = slice_of(number, num_write_i64(number, o.expiry))
    request[argc] = slice_text(b"ABSTTL")
    propagate_instead(e, c, argc + 1, request)
    mem_free(request)


cdef void restore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]. Propagates the moment of the expiry with
    ABSTTL in the place of the span, or the deletion if that has passed."""
    cdef Restore o = [0, -1, -1, NO_EXPIRY]
    cdef Entry* old
    cdef Entry* entry
    cdef int old_type = -1
    if not parse(c, argc, argv, &o):
        return
    old = open_for_write(c.db, argv[1])
    if old != NULL and not o.flags & RESTORE_REPLACE:
        reply_error(&c.reply, b"BUSYKEY Target key name already exists.")
        return
    if not parse_expiry(e, c, argv[2], &o):
        return
    entry = read_payload(e, c, argv[1], argv[3], &o)
    if entry == NULL:
        return
    if o.expiry != NO_EXPIRY and o.expiry <= e.ks.clock.ms and not e.ks.loading and not e.ks.replica:
        value_free(entry)
        drop_expired(e, c, argv[1], old != NULL)
        reply_ok(&c.reply)
        return
    if old != NULL:
        old_type = entry_type(old)
        delete_key(c.db, argv[1])
    put_new(c.db, entry)
    entry_set_access(entry, access_of_saved(&e.ks, o.idle, o.freq))
    mutated(c.db, argv[1], NOTIFY_GENERIC, b"restore", 1)
    if old_type >= 0:
        notify(c.db, NOTIFY_OVERWRITTEN, b"overwritten", argv[1])
        if old_type != entry_type(entry):
            notify(c.db, NOTIFY_TYPE_CHANGED, b"type_changed", argv[1])
    propagate_absolute(e, c, argc, argv, &o)
    reply_ok(&c.reply)


cdef void restore_asking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]. Is RESTORE, which Redis Cluster's
    migration sends under this name."""
    restore_command(e, c, argc, argv)
