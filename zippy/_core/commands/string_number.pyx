# Integers are kept as such in the entry, so counting reads and writes no text. Floats are computed in long double, as Redis does.

from libc.math cimport isinf, isnan
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t
from zippy._core.ground.buf cimport slice_of, slice_text
from zippy._core.ground.number cimport (
    NUM_I64_TEXT, NUM_LONG_DOUBLE_TEXT, num_read_i64, num_read_long_double, num_write_long_double
)
from zippy._core.commands.args cimport arg_i64, check_type, reply_out_of_memory
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.keyspace.db cimport db_put_int, db_put_text, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_int
from zippy._core.values.entry cimport ENC_INT, TYPE_STRING, Entry, entry_encoding, entry_int, entry_string


cdef bint read_int(Client* c, Entry* entry, int64_t* n) noexcept nogil:
    cdef char[NUM_I64_TEXT] scratch
    n[0] = 0
    if entry == NULL:
        return True
    if not check_type(c, entry, TYPE_STRING):
        return False
    if entry_encoding(entry) == ENC_INT:
        n[0] = entry_int(entry)[0]
        return True
    if num_read_i64(entry_string(entry, scratch), n):
        return True
    reply_error(&c.reply, b"ERR value is not an integer or out of range")
    return False


cdef void add(Client* c, Slice key, int64_t change) noexcept nogil:
    cdef Entry* entry = open_for_write(c.db, key)
    cdef int64_t n
    if not read_int(c, entry, &n):
        return
    if (change > 0 and n > INT64_MAX - change) or (change < 0 and n < INT64_MIN - change):
        reply_error(&c.reply, b"ERR increment or decrement would overflow")
        return
    n += change
    if db_put_int(c.db, entry, key, n) == NULL:
        reply_out_of_memory(c)
        return
    mutated(c.db, key, NOTIFY_STRING, b"incrby", 1)
    reply_int(&c.reply, n)


cdef void incr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """INCR key."""
    add(c, argv[1], 1)


cdef void decr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DECR key."""
    add(c, argv[1], -1)


cdef void incrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """INCRBY key increment."""
    cdef int64_t change
    if arg_i64(c, argv[2], &change):
        add(c, argv[1], change)


cdef void decrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DECRBY key decrement."""
    cdef int64_t change
    if not arg_i64(c, argv[2], &change):
        return
    if change == INT64_MIN:
        reply_error(&c.reply, b"ERR decrement would overflow")
        return
    add(c, argv[1], -change)


cdef bint read_float(Client* c, Slice text, long double* d) noexcept nogil:
    if num_read_long_double(text, d):
        return True
    reply_error(&c.reply, b"ERR value is not a valid float")
    return False


cdef void incrbyfloat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """INCRBYFLOAT key increment. Computes in long double and propagates SET with the outcome and KEEPTTL."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef char[NUM_LONG_DOUBLE_TEXT] text
    cdef long double value = 0
    cdef long double change
    cdef Slice[4] words
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL and not read_float(c, entry_string(entry, text), &value):
        return
    if not read_float(c, argv[2], &change):
        return
    value += change
    if isnan(value) or isinf(value):
        reply_error(&c.reply, b"ERR increment would produce NaN or Infinity")
        return
    # others may compute with another precision: they are told the outcome
    words[0] = slice_text(b"SET")
    words[1] = argv[1]
    words[2] = slice_of(text, num_write_long_double(text, value))
    words[3] = slice_text(b"KEEPTTL")
    if db_put_text(c.db, entry, argv[1], words[2]) == NULL:
        reply_out_of_memory(c)
        return
    mutated(c.db, argv[1], NOTIFY_STRING, b"incrbyfloat", 1)
    propagate_instead(e, c, 4, words)
    reply_bulk(&c.reply, words[2])
