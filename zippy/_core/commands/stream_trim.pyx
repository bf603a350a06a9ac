# MAXLEN ~ and MINID ~ remove whole blocks, and no more than LIMIT at once, so what they come to depends on where blocks begin. Others are
# told the result as an exact threshold.

from libc.stdint cimport int64_t
from libc.string cimport memset
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.id_tree cimport stream_id_is_zero
from zippy._core.ground.number cimport num_write_u64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_option, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.stream_id cimport STREAM_ID_TEXT, arg_stream_id, greatest_stream_id, stream_id_slice
from zippy._core.commands.types cimport CLIENT_MASTER
from zippy._core.keyspace.db cimport open_for_write
from zippy._core.keyspace.effects cimport mutated_by_removal
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport reply_error, reply_int
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport (
    ACKED_ONLY, DELETE_REFERENCES, KEEP_REFERENCES, TRIM_BY_ID, TRIM_BY_LENGTH, stream_of, stream_take_remains, stream_trim
)

cdef enum Operator:
    OPERATOR_EXACT = 1
    OPERATOR_APPROXIMATE = 2

cdef enum:
    ANY_TRIM = TRIM_MAXLEN | TRIM_MINID
    ANY_REFERENCES = TRIM_KEEPREF | TRIM_DELREF | TRIM_ACKED
    # what ~ removes at most where LIMIT does not say it
    LIMIT_BLOCKS = 100
    LIMIT_ENTRIES = 10_000       # where blocks have no limit of entries
    LIMIT_MOST = 1_000_000

cdef OptionTable OPERATORS = option_table("xadd xtrim", [("=", OPERATOR_EXACT), ("~", OPERATOR_APPROXIMATE)])
cdef OptionTable TRIM_OPTIONS = option_table("xtrim", [
    ("maxlen", TRIM_MAXLEN),
    ("minid", TRIM_MINID),
    ("limit", TRIM_LIMIT, 0, 1),
    ("keepref", TRIM_KEEPREF, ANY_REFERENCES),
    ("delref", TRIM_DELREF, ANY_REFERENCES),
    ("acked", TRIM_ACKED, ANY_REFERENCES),
])
cdef OptionTable ADD_OPTIONS = option_table("xadd", [
    ("*", ADD_ANY_ID),
    ("maxlen", TRIM_MAXLEN),
    ("minid", TRIM_MINID),
    ("limit", TRIM_LIMIT, 0, 1),
    ("nomkstream", ADD_NOMKSTREAM),
    ("keepref", TRIM_KEEPREF, ANY_REFERENCES),
    ("delref", TRIM_DELREF, ANY_REFERENCES),
    ("acked", TRIM_ACKED, ANY_REFERENCES),
])


cdef bint read_threshold(Client* c, Options* options, uint32_t option, TrimOptions* t) noexcept nogil:
    """Reads [= | ~] threshold behind MAXLEN or MINID; there is a word at least."""
    cdef uint32_t sign = 0
    cdef int64_t length
    if options.argc - options.at >= 2:
        sign = arg_choice(&OPERATORS, options.argv[options.at])
        options.at += sign != 0
    t.trim.approximate = sign == OPERATOR_APPROXIMATE
    t.threshold_at = options.at
    options.at += 1
    if option == TRIM_MINID:
        t.trim.by = TRIM_BY_ID
        return arg_stream_id(c, options.argv[t.threshold_at], &t.trim.id)
    t.trim.by = TRIM_BY_LENGTH
    if not arg_i64(c, options.argv[t.threshold_at], &length):
        return False
    if length < 0:
        reply_error(&c.reply, b"ERR The MAXLEN argument must be >= 0.")
        return False
    t.trim.length = <uint64_t>length
    return True


cdef bint read_limit(Client* c, Slice word, TrimOptions* t) noexcept nogil:
    cdef int64_t limit
    if not arg_i64(c, word, &limit):
        return False
    if limit < 0:
        reply_error(&c.reply, b"ERR The LIMIT argument must be >= 0.")
        return False
    t.trim.limit = <uint64_t>limit
    return True


cdef bint arg_trim_options(Client* c, int argc, const Slice* argv, bint adding, TrimOptions* t) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    memset(t, 0, sizeof(TrimOptions))
    options_begin(&options, &ADD_OPTIONS if adding else &TRIM_OPTIONS, argc, argv, 2)
    while options.at < argc:
        t.id_at = options.at
        option = arg_option(&options)
        if option == ADD_ANY_ID:
            break
        if option & ANY_TRIM and options.at < argc:
            if t.flags & ANY_TRIM:
                reply_error(&c.reply, b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
                return False
            if not read_threshold(c, &options, option, t):
                return False
        elif option == TRIM_LIMIT:
            if not read_limit(c, options.value[0], t):
                return False
        elif option == 0 or option & ANY_TRIM:
            if adding:
                # what is no option is the id
                break
            reply_syntax_error(c)
            return False
        t.flags |= option
    else:
        # there is none
        t.id_at = argc
    t.flags |= options.flags & ADD_ANY_ID
    t.trim.references = DELETE_REFERENCES if t.flags & TRIM_DELREF else ACKED_ONLY if t.flags & TRIM_ACKED else KEEP_REFERENCES
    return True


cdef bint arg_trim_limit(Client* c, bint adding, TrimOptions* t) noexcept nogil:
    cdef int64_t entries = c.engine.settings.stream_node_max_entries
    cdef bint told = c.flags & CLIENT_MASTER or c.engine.ks.loading
    if not t.flags & ANY_TRIM and t.trim.limit:
        reply_error(&c.reply, b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
        return False
    if not t.flags & ANY_TRIM and not adding:
        reply_error(&c.reply, b"ERR syntax error, XTRIM must be called with a trimming strategy")
        return False
    if t.flags & TRIM_LIMIT and not t.trim.approximate and not told:
        reply_error(&c.reply, b"ERR syntax error, LIMIT cannot be used without the special ~ option")
        return False
    if t.trim.approximate and not t.flags & TRIM_LIMIT and not told:
        t.trim.limit = LIMIT_ENTRIES
        if entries > 0:
            t.trim.limit = <uint64_t>(LIMIT_MOST if entries > LIMIT_MOST // LIMIT_BLOCKS else entries * LIMIT_BLOCKS)
    return True


cdef uint64_t trim_stream(Engine* e, Stream* s, const TrimOptions* t) noexcept nogil:
    cdef uint64_t removed = 0
    cdef Entry* remains
    if t.flags & ANY_TRIM:
        removed = stream_trim(s, &t.trim)
        remains = stream_take_remains(s)
        if remains != NULL:
            free_entry(&e.ks, remains)
    return removed


cdef Slice result_of(const TrimOptions* t, const Stream* s, char* text) noexcept nogil:
    """The exact threshold that has the same outcome as what was done."""
    if t.trim.by == TRIM_BY_LENGTH:
        return slice_of(text, num_write_u64(text, s.length))
    return stream_id_slice(text, greatest_stream_id() if stream_id_is_zero(s.first_id) else s.first_id)


cdef void propagate_trimmed(
    Engine* e, Client* c, int argc, Slice* argv, const TrimOptions* t, const Stream* s, const Slice* id
) noexcept nogil:
    cdef Slice threshold
    cdef Slice sign
    cdef Slice given
    cdef char[STREAM_ID_TEXT] text
    if id != NULL:
        given = argv[t.id_at]
        argv[t.id_at] = id[0]
    if t.trim.approximate:
        sign = argv[t.threshold_at - 1]
        threshold = argv[t.threshold_at]
        argv[t.threshold_at - 1] = slice_text(b"=")
        argv[t.threshold_at] = result_of(t, s, text)
    propagate_instead(e, c, argc, argv)
    # MONITOR and the slow log are told the words as they came
    if t.trim.approximate:
        argv[t.threshold_at - 1] = sign
        argv[t.threshold_at] = threshold
    if id != NULL:
        argv[t.id_at] = given


cdef void xtrim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]. Where it is approximate, propagates the
    threshold that it came to."""
    cdef TrimOptions t
    cdef Entry* entry
    cdef uint64_t removed
    if not arg_trim_options(c, argc, argv, False, &t) or not arg_trim_limit(c, False, &t):
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    if not check_type(c, entry, TYPE_STREAM):
        return
    removed = trim_stream(e, stream_of(entry), &t)
    if removed:
        mutated_by_removal(c.db, argv[1], NOTIFY_STREAM, b"xtrim", <int64_t>removed)
        if t.trim.approximate:
            propagate_trimmed(e, c, argc, argv, &t, stream_of(entry), NULL)
    reply_int(&c.reply, <int64_t>removed)
