from libc.math cimport ceil
from libc.stdint cimport INT64_MAX
from zippy._core.ground.buf cimport slice_is
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport num_read_double, num_read_i64, num_read_long_double
from zippy._core.resp.writer cimport reply_error, reply_error_about
from zippy._core.values.entry cimport entry_type


cdef bint arg_i64(Client* c, Slice s, int64_t* n) noexcept nogil:
    return arg_i64_or(c, s, n, b"ERR value is not an integer or out of range")


cdef bint arg_i64_or(Client* c, Slice s, int64_t* n, const char* error) noexcept nogil:
    if num_read_i64(s, n):
        return True
    reply_error(&c.reply, error)
    return False


cdef bint arg_int(Client* c, Slice s, int64_t* n) noexcept nogil:
    if not arg_i64(c, s, n):
        return False
    if -2147483648 <= n[0] <= 2147483647:
        return True
    reply_error(&c.reply, b"ERR value is out of range, value must between -2147483648 and 2147483647")
    return False


cdef bint arg_in_range(Client* c, Slice s, int64_t low, int64_t high, int64_t* n, const char* error) noexcept nogil:
    if num_read_i64(s, n) and low <= n[0] <= high:
        return True
    reply_error(&c.reply, error)
    return False


cdef bint arg_double(Client* c, Slice s, double* d) noexcept nogil:
    if num_read_double(s, d):
        return True
    reply_error(&c.reply, b"ERR value is not a valid float")
    return False


cdef bint arg_timeout(Engine* e, Client* c, Slice s, int64_t* us) noexcept nogil:
    cdef long double seconds
    if not num_read_long_double(s, &seconds):
        reply_error(&c.reply, b"ERR timeout is not a float or out of range")
        return False
    if seconds < 0:
        reply_error(&c.reply, b"ERR timeout is negative")
        return False
    seconds *= 1000000
    if seconds > <long double>(INT64_MAX // 1000 - e.ks.clock.us):
        reply_error(&c.reply, b"ERR timeout is out of range")
        return False
    us[0] = <int64_t>ceil(<double>seconds)
    return True


cdef bint arg_is(Slice s, const char* word) noexcept nogil:
    return slice_is(s, word)


cdef void reply_syntax_error(Client* c) noexcept nogil:
    reply_error(&c.reply, b"ERR syntax error")


cdef void reply_wrong_type(Client* c) noexcept nogil:
    reply_error(&c.reply, b"WRONGTYPE Operation against a key holding the wrong kind of value")


cdef void reply_out_of_memory(Client* c) noexcept nogil:
    reply_error(&c.reply, b"OOM out of memory")


cdef bint check_type(Client* c, const Entry* e, int value_type) noexcept nogil:
    if e == NULL or entry_type(e) == value_type:
        return True
    reply_wrong_type(c)
    return False


cdef void reply_subcommand_error(Client* c, Slice subcommand, const char* container) noexcept nogil:
    cdef char[64] after
    format_text(after, sizeof(after), b"'. Try %s HELP.", container)
    reply_error_about(&c.reply, b"ERR unknown subcommand or wrong number of arguments for '", subcommand, after)
