# Later than Redis 8.2: INCREX is of Redis 8.8. What it came to is propagated as SET, which any server knows.

from libc.float cimport LDBL_MAX
from libc.math cimport isinf
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint32_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT, NUM_LONG_DOUBLE_TEXT, num_write_i64, num_write_long_double
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_options, check_type, option_table, option_value, reply_out_of_memory
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.string cimport SET_ANY_EXPIRY, SET_PERSIST, expiry_of
from zippy._core.commands.string_number cimport read_float, read_int
from zippy._core.keyspace.db cimport db_put_int, db_put_text, db_set_expiry, open_for_write
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_STRING
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_double, reply_error, reply_int, reply_raw
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STRING, Entry, entry_expiry, entry_string
from zippy._core.commands.string import EXPIRY_ROWS

cdef enum IncrexFlag:
    # beside SET's options of an expiry
    INCREX_BYINT = 1 << 9
    INCREX_BYFLOAT = 1 << 10
    INCREX_LBOUND = 1 << 11
    INCREX_UBOUND = 1 << 12
    INCREX_SATURATE = 1 << 13
    INCREX_ENX = 1 << 14

cdef OptionTable INCREX_OPTIONS = option_table("increx", [
    ("byint", INCREX_BYINT, INCREX_BYFLOAT, 1),
    ("byfloat", INCREX_BYFLOAT, INCREX_BYINT, 1),
    ("lbound", INCREX_LBOUND, 0, 1),
    ("ubound", INCREX_UBOUND, 0, 1),
    ("saturate", INCREX_SATURATE),
    *EXPIRY_ROWS,
    ("persist", SET_PERSIST, SET_ANY_EXPIRY | INCREX_ENX),
    ("enx", INCREX_ENX, SET_PERSIST),
])


cdef struct Increment:
    Slice key
    uint32_t flags           # of the options
    int64_t expiry           # that it asks for; NO_EXPIRY: none


cdef bint bounds_are_ordered(Client* c, bint ordered) noexcept nogil:
    if not ordered:
        reply_error(&c.reply, b"ERR LBOUND can't be greater than UBOUND")
    return ordered


# ---- the effects


cdef void put_expiry(Engine* e, Client* c, Entry* entry, const Increment* q, Slice value) noexcept nogil:
    """Gives the entry, which holds the value now, the expiry that is asked for, and propagates both."""
    cdef Slice[5] words
    cdef char[NUM_I64_TEXT] text
    cdef int count = 5
    cdef bint expires = entry_expiry(entry) != NO_EXPIRY
    words[0] = slice_text(b"SET")
    words[1] = q.key
    words[2] = value
    if q.expiry != NO_EXPIRY and not (expires and q.flags & INCREX_ENX):
        db_set_expiry(c.db, entry, q.expiry)
        notify(c.db, NOTIFY_GENERIC, b"expire", q.key)
        words[3] = slice_text(b"PXAT")
        words[4] = slice_of(text, num_write_i64(text, q.expiry))
    elif q.flags & SET_PERSIST:
        if expires:
            db_set_expiry(c.db, entry, NO_EXPIRY)
            notify(c.db, NOTIFY_GENERIC, b"persist", q.key)
        count = 3
    else:
        words[3] = slice_text(b"KEEPTTL")
        count = 4
    propagate_instead(e, c, count, words)


# ---- integers


cdef bint read_int_bounds(Client* c, const Options* options, int64_t* low, int64_t* high) noexcept nogil:
    low[0] = INT64_MIN
    high[0] = INT64_MAX
    if options.flags & INCREX_LBOUND and not arg_i64(c, option_value(options, INCREX_LBOUND), low):
        return False
    if options.flags & INCREX_UBOUND and not arg_i64(c, option_value(options, INCREX_UBOUND), high):
        return False
    return bounds_are_ordered(c, low[0] <= high[0])


cdef void reply_ints(Client* c, int64_t value, int64_t change) noexcept nogil:
    reply_array(&c.reply, 2)
    reply_int(&c.reply, value)
    reply_int(&c.reply, change)


cdef bint difference(int64_t a, int64_t b, int64_t* change) noexcept nogil:
    """a - b; False: it is no 64-bit integer."""
    if (b < 0 and a > INT64_MAX + b) or (b > 0 and a < INT64_MIN + b):
        return False
    change[0] = a - b
    return True


cdef void add_int(Engine* e, Client* c, const Increment* q, const Options* options) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    cdef Entry* entry
    cdef int64_t change = 1
    cdef int64_t low
    cdef int64_t high
    cdef int64_t before
    cdef int64_t after
    cdef bint above
    cdef bint below
    if q.flags & INCREX_BYINT and not arg_i64(c, option_value(options, INCREX_BYINT), &change):
        return
    if not read_int_bounds(c, options, &low, &high):
        return
    entry = open_for_write(c.db, q.key)
    if not read_int(c, entry, &before):
        return
    above = before > INT64_MAX - change if change > 0 else False
    below = before < INT64_MIN - change if change < 0 else False
    after = 0 if above or below else before + change
    above = above or (not below and after > high)
    below = below or (not above and after < low)
    if above or below:
        if not q.flags & INCREX_SATURATE:
            reply_ints(c, before, 0)
            return
        after = high if above else low
        if not difference(after, before, &change):
            reply_error(&c.reply, b"ERR increment or decrement would overflow")
            return
    entry = db_put_int(c.db, entry, q.key, after)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    mutated(c.db, q.key, NOTIFY_STRING, b"incrby", 1)
    put_expiry(e, c, entry, q, slice_of(text, num_write_i64(text, after)))
    reply_ints(c, after, change)


# ---- floats


cdef bint read_float_bounds(Client* c, const Options* options, long double* low, long double* high) noexcept nogil:
    low[0] = -LDBL_MAX
    high[0] = LDBL_MAX
    if options.flags & INCREX_LBOUND and not read_float(c, option_value(options, INCREX_LBOUND), low):
        return False
    if options.flags & INCREX_UBOUND and not read_float(c, option_value(options, INCREX_UBOUND), high):
        return False
    return bounds_are_ordered(c, low[0] <= high[0])


cdef void reply_float(Client* c, long double d) noexcept nogil:
    """A bulk string, in RESP3 a double, of as many digits as a long double has. What is beyond a double is infinite there: hiredis refuses
    digits that come to that."""
    cdef char[NUM_LONG_DOUBLE_TEXT] text
    cdef size_t length = num_write_long_double(text, d)
    if c.reply.proto < 3:
        reply_bulk(&c.reply, slice_of(text, length))
        return
    if isinf(<double>d):
        reply_double(&c.reply, <double>d)
        return
    reply_raw(&c.reply, b",", 1)
    reply_raw(&c.reply, text, length)
    reply_raw(&c.reply, b"\r\n", 2)


cdef void reply_floats(Client* c, long double value, long double change) noexcept nogil:
    reply_array(&c.reply, 2)
    reply_float(c, value)
    reply_float(c, change)


cdef bint is_finite(long double d) noexcept nogil:
    return -LDBL_MAX <= d <= LDBL_MAX


cdef bint read_value(Client* c, const Entry* entry, long double* value) noexcept nogil:
    """The number that a string holds, 0 for an absent one; False: replied with an error."""
    cdef char[NUM_I64_TEXT] scratch
    value[0] = 0
    return check_type(c, entry, TYPE_STRING) and (entry == NULL or read_float(c, entry_string(entry, scratch), value))


cdef void add_float(Engine* e, Client* c, const Increment* q, const Options* options) noexcept nogil:
    cdef char[NUM_LONG_DOUBLE_TEXT] text
    cdef Slice written
    cdef Entry* entry
    cdef long double change
    cdef long double low
    cdef long double high
    cdef long double before
    cdef long double after
    if not read_float(c, option_value(options, INCREX_BYFLOAT), &change) or not read_float_bounds(c, options, &low, &high):
        return
    entry = open_for_write(c.db, q.key)
    if not read_value(c, entry, &before):
        return
    after = before + change
    if is_finite(before) and is_finite(change) and not low <= after <= high:
        if not q.flags & INCREX_SATURATE:
            reply_floats(c, before, 0)
            return
        after = high if after > high else low
        change = after - before
    if not is_finite(after) or not is_finite(change):
        reply_error(&c.reply, b"ERR increment would produce NaN or Infinity")
        return
    written = slice_of(text, num_write_long_double(text, after))
    entry = db_put_text(c.db, entry, q.key, written)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    mutated(c.db, q.key, NOTIFY_STRING, b"incrbyfloat", 1)
    put_expiry(e, c, entry, q, written)
    reply_floats(c, after, change)


cdef void increx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """INCREX key [BYFLOAT float | BYINT integer] [SATURATE] [LBOUND lowerbound] [UBOUND upperbound] [EX seconds | PX milliseconds | EXAT
    unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] [ENX]. Propagates SET with the outcome."""
    cdef Options options
    cdef Increment q
    cdef uint32_t unit
    if not arg_options(c, &INCREX_OPTIONS, argc, argv, 2, &options):
        return
    q.key = argv[1]
    q.flags = options.flags
    q.expiry = NO_EXPIRY
    unit = options.flags & SET_ANY_EXPIRY
    if options.flags & INCREX_ENX and not unit:
        reply_error(&c.reply, b"ERR ENX flag requires an expiration")
        return
    if unit and not expiry_of(e, c, option_value(&options, unit), unit, b"increx", &q.expiry):
        return
    if options.flags & INCREX_BYFLOAT:
        add_float(e, c, &q, &options)
    else:
        add_int(e, c, &q, &options)
