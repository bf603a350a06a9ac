# All four EXPIRE commands are one function over a moment in ms: the units and what they count from differ, and what is propagated is the
# moment.

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice, slice_of, slice_text
from zippy._core.ground.number cimport num_write_i64
from zippy._core.commands.args cimport OptionTable, Options, arg_i64, arg_option, option_table, options_begin
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport db_set_expiry, delete_key, lookup_quiet, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_GENERIC
from zippy._core.resp.writer cimport reply_error, reply_error_about, reply_int
from zippy._core.values.entry cimport NO_EXPIRY, Entry, entry_expiry

cdef enum:
    ONLY_NEW = 1          # NX: only when there is no expiry
    ONLY_EXISTING = 2     # XX
    ONLY_GREATER = 4      # GT: no expiry counts as infinite
    ONLY_LESS = 8         # LT

cdef OptionTable EXPIRE_OPTIONS = option_table("expire pexpire expireat pexpireat", [
    ("nx", ONLY_NEW),
    ("xx", ONLY_EXISTING),
    ("gt", ONLY_GREATER),
    ("lt", ONLY_LESS),
])


cdef bint parse_conditions(Client* c, int argc, const Slice* argv, uint32_t* conditions) noexcept nogil:
    cdef Options options
    options_begin(&options, &EXPIRE_OPTIONS, argc, argv, 3)
    while options.at < argc:
        if arg_option(&options) == 0:
            reply_error_about(&c.reply, b"ERR Unsupported option ", argv[options.at], b"")
            return False
    conditions[0] = options.flags
    if conditions[0] & ONLY_NEW and conditions[0] != ONLY_NEW:
        reply_error(&c.reply, b"ERR NX and XX, GT or LT options at the same time are not compatible")
        return False
    if conditions[0] & ONLY_GREATER and conditions[0] & ONLY_LESS:
        reply_error(&c.reply, b"ERR GT and LT options at the same time are not compatible")
        return False
    return True


cdef bint conditions_hold(uint32_t conditions, int64_t current, int64_t when) noexcept nogil:
    if conditions & ONLY_NEW and current != NO_EXPIRY:
        return False
    if conditions & ONLY_EXISTING and current == NO_EXPIRY:
        return False
    if conditions & ONLY_GREATER and (current == NO_EXPIRY or when <= current):
        return False
    return not (conditions & ONLY_LESS and current != NO_EXPIRY and when >= current)


cdef bint absolute_time(Client* c, Slice text, int64_t base, bint seconds, const char* name, int64_t* when) noexcept nogil:
    """The argument as ms since the epoch; base is added to it."""
    cdef int64_t n
    if not arg_i64(c, text, &n):
        return False
    if seconds:
        if n > INT64_MAX // 1000 or n < INT64_MIN // 1000:
            reply_error_about(&c.reply, b"ERR invalid expire time in '", slice_text(name), b"' command")
            return False
        n *= 1000
    if n > INT64_MAX - base:
        reply_error_about(&c.reply, b"ERR invalid expire time in '", slice_text(name), b"' command")
        return False
    when[0] = n + base
    return True


cdef void set_expiry(Engine* e, Client* c, int argc, Slice* argv, bint relative, bint seconds, const char* name) noexcept nogil:
    cdef uint32_t conditions
    cdef int64_t when
    cdef Entry* entry
    cdef Slice[3] request
    cdef char[24] number
    if not parse_conditions(c, argc, argv, &conditions):
        return
    if not absolute_time(c, argv[2], e.ks.clock.ms if relative else 0, seconds, name, &when):
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL or not conditions_hold(conditions, entry_expiry(entry), when):
        reply_int(&c.reply, 0)
        return
    request[1] = argv[1]
    if when <= e.ks.clock.ms and not e.ks.loading and not e.ks.replica:
        delete_key(c.db, argv[1])
        mutated(c.db, argv[1], NOTIFY_GENERIC, b"del", 1)
        request[0] = slice_text(b"UNLINK") if e.settings.lazyfree_lazy_expire else slice_text(b"DEL")
        propagate_instead(e, c, 2, request)
    else:
        db_set_expiry(c.db, entry, when if when > 0 else 0)
        mutated(c.db, argv[1], NOTIFY_GENERIC, b"expire", 1)
        request[0] = slice_text(b"PEXPIREAT")
        request[2] = slice_of(number, num_write_i64(number, when))
        propagate_instead(e, c, 3, request)
    reply_int(&c.reply, 1)


cdef void expire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EXPIRE key seconds [NX | XX | GT | LT]. Propagates PEXPIREAT with the moment, or the deletion if that has passed."""
    set_expiry(e, c, argc, argv, True, True, b"expire")


cdef void pexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PEXPIRE key milliseconds [NX | XX | GT | LT]. Propagates PEXPIREAT with the moment, or the deletion if that has passed."""
    set_expiry(e, c, argc, argv, True, False, b"pexpire")


cdef void expireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EXPIREAT key unix-time-seconds [NX | XX | GT | LT]. Propagates PEXPIREAT with the moment, or the deletion if that has passed."""
    set_expiry(e, c, argc, argv, False, True, b"expireat")


cdef void pexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]. Propagates the deletion if the moment has passed."""
    set_expiry(e, c, argc, argv, False, False, b"pexpireat")


cdef void reply_expiry(Engine* e, Client* c, Slice key, bint left, bint seconds) noexcept nogil:
    """The time left, or the moment; -2: no such key, -1: no expiry."""
    cdef Entry* entry = lookup_quiet(c.db, key)
    cdef int64_t ms
    if entry == NULL:
        reply_int(&c.reply, -2)
        return
    ms = entry_expiry(entry)
    if ms == NO_EXPIRY:
        reply_int(&c.reply, -1)
        return
    if left:
        ms -= e.ks.clock.ms
        if ms < 0:
            ms = 0
    # unsigned: half a second more than the last moment must not overflow
    reply_int(&c.reply, <int64_t>((<uint64_t>ms + 500) // 1000) if seconds else ms)


cdef void ttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """TTL key."""
    reply_expiry(e, c, argv[1], True, True)


cdef void pttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PTTL key."""
    reply_expiry(e, c, argv[1], True, False)


cdef void expiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """EXPIRETIME key."""
    reply_expiry(e, c, argv[1], False, True)


cdef void pexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PEXPIRETIME key."""
    reply_expiry(e, c, argv[1], False, False)


cdef void persist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PERSIST key."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    if entry == NULL or entry_expiry(entry) == NO_EXPIRY:
        reply_int(&c.reply, 0)
        return
    db_set_expiry(c.db, entry, NO_EXPIRY)
    mutated(c.db, argv[1], NOTIFY_GENERIC, b"persist", 1)
    reply_int(&c.reply, 1)
