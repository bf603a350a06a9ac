# Entries are written into the reply as the iterator comes to them; their number is put before them at the end.

from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.stream_id cimport arg_range_end, arg_range_start, reply_stream_id
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_defer, reply_defer_array, reply_null_array
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport stream_iter, stream_iter_field, stream_iter_next, stream_of

cdef enum RangeFlag:
    RANGE_COUNT = 1

cdef OptionTable RANGE_OPTIONS = option_table("xrange xrevrange", [("count", RANGE_COUNT, 0, 1)])


cdef void reply_fields(Reply* r, StreamIter* it) noexcept nogil:
    cdef Slice field
    cdef Slice value
    reply_array(r, <int64_t>it.fields * 2)
    while it.fields:
        stream_iter_field(it, &field, &value)
        reply_bulk(r, field)
        reply_bulk(r, value)


cdef void reply_entry(Reply* r, StreamIter* it) noexcept nogil:
    reply_array(r, 2)
    reply_stream_id(r, it.id)
    reply_fields(r, it)


cdef int64_t reply_entries(Reply* r, Stream* s, StreamId start, StreamId end, bint backwards, int64_t count) noexcept nogil:
    cdef StreamIter it
    cdef size_t place = reply_defer(r)
    cdef int64_t told = 0
    stream_iter(&it, s, start, end, backwards)
    while told != count and stream_iter_next(&it):
        reply_entry(r, &it)
        told += 1
    reply_defer_array(r, place, told)
    return told


cdef bint reply_entry_of(Reply* r, Stream* s, StreamId id) noexcept nogil:
    cdef StreamIter it
    stream_iter(&it, s, id, id, False)
    if not stream_iter_next(&it):
        return False
    reply_entry(r, &it)
    return True


cdef void read_range(Client* c, int argc, Slice* argv, Slice start_word, Slice end_word, bint backwards) noexcept nogil:
    cdef Options options
    cdef StreamId start
    cdef StreamId end
    cdef int64_t count = 0
    cdef Entry* entry
    if not arg_range_start(c, start_word, &start) or not arg_range_end(c, end_word, &end):
        return
    options_begin(&options, &RANGE_OPTIONS, argc, argv, 4)
    while options.at < argc:
        if arg_option(&options) == 0:
            reply_syntax_error(c)
            return
        if not arg_i64(c, options.value[0], &count):
            return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        reply_array(&c.reply, 0)
    elif check_type(c, entry, TYPE_STREAM):
        if options.flags & RANGE_COUNT and count <= 0:
            reply_null_array(&c.reply)
        else:
            reply_entries(&c.reply, stream_of(entry), start, end, backwards, count if options.flags & RANGE_COUNT else -1)


cdef void xrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XRANGE key start end [COUNT count]."""
    read_range(c, argc, argv, argv[2], argv[3], False)


cdef void xrevrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XREVRANGE key end start [COUNT count]."""
    read_range(c, argc, argv, argv[3], argv[2], True)
