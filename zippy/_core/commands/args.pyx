# Options are found by comparing words in the order of their rows: tables have ten rows at most, and a row whose length or first letter
# differs costs two instructions.

from libc.math cimport ceil
from libc.stdint cimport INT64_MAX
from libc.stdlib cimport malloc
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_is
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport num_read_double, num_read_i64, num_read_long_double
from zippy._core.resp.writer cimport reply_error, reply_error_about
from zippy._core.values.entry cimport entry_type

cdef enum:
    ECHO = 128               # bytes of a subcommand that an error repeats, as in Redis; of other words it repeats all

# What option_table was told, by command: word to number of arguments. For the tests, which hold it against the commands' specs
OPTION_ROWS = {}


cdef OptionTable option_table(str commands, list rows) except *:
    cdef OptionTable table = OptionTable(<Option*>malloc((len(rows) + 1) * sizeof(Option)), <int>len(rows))
    cdef Option* row = table.rows
    cdef bytes text
    cdef dict told = {}
    if table.rows == NULL:
        raise MemoryError
    for word, sets, *more in rows:
        text = word.encode()
        if len(text) >= OPTION_WORD:
            raise ValueError(f"the option {word} is too long for its row")
        memcpy(row.word, <const char*>text, len(text) + 1)
        row.length = <uint32_t>len(text)
        row.sets = sets
        row.excludes = more[0] if more else 0
        row.arguments = more[1] if len(more) > 1 else 0
        if not 0 < sets < 1 << OPTION_BITS:
            raise ValueError(f"the option {word} needs one of {OPTION_BITS} bits")
        row.place = <uint8_t>lowest_bit(row.sets)
        told[word] = row.arguments
        row += 1
    for command in commands.split():
        OPTION_ROWS.setdefault(command, {}).update(told)
    return table


cdef const Option* find_option(const OptionTable* table, Slice word) noexcept nogil:
    cdef const Option* row = table.rows
    cdef const Option* end = row + table.count
    while row != end:
        if row.length == word.len and row.word[0] == word.ptr[0] | 32 and slice_is(word, row.word):
            return row
        row += 1
    return NULL


cdef uint32_t arg_choice(const OptionTable* table, Slice word) noexcept nogil:
    cdef const Option* row = find_option(table, word)
    return row.sets if row != NULL else 0


cdef void options_begin(Options* o, const OptionTable* table, int argc, const Slice* argv, int at) noexcept nogil:
    o.table = table
    o.argc = argc
    o.argv = argv
    o.at = at
    o.keys = 0
    o.flags = 0


cdef uint32_t arg_option(Options* o) noexcept nogil:
    cdef const Option* row = find_option(o.table, o.argv[o.at])
    cdef int arguments
    if row == NULL or o.flags & row.excludes:
        return 0
    arguments = row.arguments if row.arguments != EACH_KEY else o.keys
    if arguments > o.argc - o.at - 1:
        return 0
    if arguments:
        o.value = o.argv + o.at + 1
        o.places[row.place] = o.at + 1
    o.at += 1 + arguments
    o.flags |= row.sets
    return row.sets


cdef bint arg_options(Client* c, const OptionTable* table, int argc, const Slice* argv, int at, Options* o) noexcept nogil:
    options_begin(o, table, argc, argv, at)
    while o.at < argc:
        if arg_option(o) == 0:
            reply_syntax_error(c)
            return False
    return True


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


cdef void reply_syntax_error(Client* c) noexcept nogil:
    reply_error(&c.reply, b"ERR syntax error")


cdef void reply_wrong_type(Client* c) noexcept nogil:
    reply_error(&c.reply, b"WRONGTYPE Operation against a key holding the wrong kind of value")


cdef void reply_out_of_memory(Client* c) noexcept nogil:
    c.engine.stats.out_of_memory += 1
    reply_error(&c.reply, b"OOM out of memory")


cdef bint check_type(Client* c, const Entry* e, int value_type) noexcept nogil:
    if e == NULL or entry_type(e) == value_type:
        return True
    reply_wrong_type(c)
    return False


cdef void reply_subcommand_error(Client* c, Slice subcommand, const char* container) noexcept nogil:
    cdef char[64] after
    if subcommand.len > ECHO:
        subcommand.len = ECHO
    format_text(after, sizeof(after), b"'. Try %s HELP.", container)
    reply_error_about(&c.reply, b"ERR unknown subcommand or wrong number of arguments for '", subcommand, after)
