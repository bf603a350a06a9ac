# SET, GETEX and the older commands share one way from an expiry's argument to a moment in ms; where the client's own words would mean
# something else later, others are propagated in their place.

from libc.stdint cimport INT32_MAX, INT64_MAX, int64_t, uint32_t
from zippy._core.ground.buf cimport Slice, slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.commands.args cimport (
    Options, OptionTable, arg_i64, arg_in_range, arg_option, arg_options, check_type, option_table, option_value, options_begin,
    reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.string_compare cimport (
    IF_DIGEST_EQUAL, IF_DIGEST_NOT_EQUAL, IF_EQUAL, IF_NOT_EQUAL, IF_VALUE, condition_holds, condition_is_valid
)
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport (
    PREFETCHED, db_prefetch, db_put_string, db_put_string_beside, db_put_taken, db_set_expiry, delete_key, lookup_read, open_for_write
)
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_STRING
from zippy._core.resp.parser cimport PARSER_BULK_ROOM, PARSER_LARGE_BULK, Bulk, parser_bulk
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_cut, reply_error_about, reply_int, reply_null, reply_ok
from zippy._core.values.entry cimport INLINE_MAX, NO_EXPIRY, TYPE_STRING, Blob, Entry, entry_expiry, entry_string, entry_type

cdef enum:
    SET_CONDITION = SET_NX | SET_XX | IF_VALUE

if sizeof(Blob) != PARSER_BULK_ROOM or <int>PARSER_LARGE_BULK <= <int>INLINE_MAX:
    raise ImportError("an entry can't take over what the parser received: the tree is half built")

EXPIRY_ROWS = [
    ("ex", SET_EX, SET_NO_OTHER & ~SET_EX, 1),
    ("px", SET_PX, SET_NO_OTHER & ~SET_PX, 1),
    ("exat", SET_EXAT, SET_NO_OTHER & ~SET_EXAT, 1),
    ("pxat", SET_PXAT, SET_NO_OTHER & ~SET_PXAT, 1),
]

cdef OptionTable SET_OPTIONS = option_table("set", [
    ("nx", SET_NX, SET_XX | IF_VALUE),
    ("xx", SET_XX, SET_NX | IF_VALUE),
    ("get", SET_GET),
    *EXPIRY_ROWS,
    ("keepttl", SET_KEEPTTL, SET_ANY_EXPIRY),
    ("ifeq", IF_EQUAL, SET_NX | SET_XX | IF_VALUE, 1),
    ("ifne", IF_NOT_EQUAL, SET_NX | SET_XX | IF_VALUE, 1),
    ("ifdeq", IF_DIGEST_EQUAL, SET_NX | SET_XX | IF_VALUE, 1),
    ("ifdne", IF_DIGEST_NOT_EQUAL, SET_NX | SET_XX | IF_VALUE, 1),
])

cdef OptionTable MSETEX_OPTIONS = option_table("msetex", [
    ("nx", SET_NX, SET_XX),
    ("xx", SET_XX, SET_NX),
    *EXPIRY_ROWS,
    ("keepttl", SET_KEEPTTL, SET_ANY_EXPIRY),
])

cdef OptionTable GETEX_OPTIONS = option_table("getex", [
    *EXPIRY_ROWS,
    ("persist", SET_PERSIST, SET_ANY_EXPIRY),
])


cdef bint expiry_of(Engine* e, Client* c, Slice text, uint32_t unit, const char* command, int64_t* expiry) noexcept nogil:
    cdef int64_t n
    cdef bint valid
    if not arg_i64(c, text, &n):
        return False
    valid = n > 0
    if valid and unit & SET_SECONDS:
        valid = n <= INT64_MAX // 1000
        n = n * 1000 if valid else 0
    if valid and unit & SET_RELATIVE:
        valid = n <= INT64_MAX - e.ks.clock.ms
        n = n + e.ks.clock.ms if valid else 0
    if not valid:
        reply_error_about(&c.reply, b"ERR invalid expire time in '", slice_text(command), b"' command")
        return False
    expiry[0] = n
    return True


cdef void propagate_set(Engine* e, Client* c, int argc, Slice* argv, int64_t expiry) noexcept nogil:
    """Propagates SET with an absolute time in ms, or, where there is no time, without GET and conditions on the value, and with each other
    option once."""
    cdef Slice[5] words
    cdef char[NUM_I64_TEXT] text
    cdef Options options
    cdef uint32_t before
    cdef int count = 3
    words[0] = slice_text(b"SET")
    words[1] = argv[1]
    words[2] = argv[2]
    if expiry != NO_EXPIRY:
        words[3] = slice_text(b"PXAT")
        words[4].ptr = text
        words[4].len = num_write_i64(text, expiry)
        count = 5
    else:
        options_begin(&options, &SET_OPTIONS, argc, argv, 3)
        while options.at < argc:
            before = options.flags
            if arg_option(&options) & (SET_NX | SET_XX | SET_KEEPTTL) and options.flags != before:
                words[count] = argv[options.at - 1]
                count += 1
    propagate_instead(e, c, count, words)


cdef inline Entry* put(Client* c, Entry* old, Slice key, const Slice* argv, int place, int64_t expiry) noexcept nogil:
    if not c.parser.bulk_count:
        return db_put_string(c.db, old, key, argv[place], expiry)
    return put_beside_bulks(c, old, key, argv, place, expiry)


cdef Entry* put_argument(Client* c, Entry* old, Slice key, const Slice* argv, int place, int64_t expiry) noexcept nogil:
    return put(c, old, key, argv, place, expiry)


cdef Entry* put_beside_bulks(Client* c, Entry* old, Slice key, const Slice* argv, int place, int64_t expiry) noexcept nogil:
    """put_argument for a command some of whose arguments are in blocks of their own."""
    cdef Bulk* bulk = parser_bulk(&c.parser, place, argv[place])
    cdef Entry* entry
    if bulk == NULL:
        return db_put_string_beside(c.db, old, key, argv[place], expiry)
    entry = db_put_taken(c.db, old, key, bulk.block, argv[place].len, expiry)
    if entry != NULL:
        bulk.block = NULL
    return entry


cdef inline bint store(Client* c, Entry* old, Slice key, const Slice* argv, int place) noexcept nogil:
    """Puts the argument at this place under a key, without an expiry, and reports it; False: out of memory."""
    if put(c, old, key, argv, place, NO_EXPIRY) == NULL:
        return False
    mutated(c.db, key, NOTIFY_STRING, b"set", 1)
    return True


cdef bint store_expiring(
    Client* c, Entry* old, Slice key, const Slice* argv, int place, int64_t expiry, bint keep_expiry
) noexcept nogil:
    """store with an expiry, or with that of the old entry."""
    if keep_expiry:
        expiry = entry_expiry(old) if old != NULL else NO_EXPIRY
    if put(c, old, key, argv, place, expiry) == NULL:
        return False
    mutated(c.db, key, NOTIFY_STRING, b"set", 1)
    if expiry != NO_EXPIRY and not keep_expiry:
        notify(c.db, NOTIFY_GENERIC, b"expire", key)
    return True


cdef void reply_string(Client* c, const Entry* entry) noexcept nogil:
    cdef char[NUM_I64_TEXT] scratch
    if entry == NULL:
        reply_null(&c.reply)
    else:
        reply_bulk(&c.reply, entry_string(entry, scratch))


cdef bint reply_old(Client* c, Slice key) noexcept nogil:
    """Replies with the key's string or null; False: the reply is WRONGTYPE."""
    cdef Entry* entry = lookup_read(c.db, key)
    if not check_type(c, entry, TYPE_STRING):
        return False
    reply_string(c, entry)
    return True


cdef void get_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GET key."""
    reply_old(c, argv[1])


cdef bint may_set(const Entry* old, const Options* options) noexcept nogil:
    """Whether SET's condition is true of what the key holds."""
    if options.flags & IF_VALUE:
        return condition_holds(old, options.flags & IF_VALUE, option_value(options, options.flags & IF_VALUE))
    return (old == NULL) == ((options.flags & SET_NX) != 0)


cdef void set_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SET key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] [GET] [EX seconds |
    PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]. Propagates an expiry as PXAT with the moment, and
    without GET and conditions on the value."""
    if argc > 3:
        set_with_options(e, c, argc, argv)
    elif store(c, open_for_write(c.db, argv[1]), argv[1], argv, 2):
        reply_ok(&c.reply)
    else:
        reply_out_of_memory(c)


cdef void set_with_options(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef Options options
    cdef uint32_t unit
    cdef int64_t expiry = NO_EXPIRY
    cdef Entry* old
    cdef size_t reply_at = c.reply.out.len
    if not arg_options(c, &SET_OPTIONS, argc, argv, 3, &options):
        return
    unit = options.flags & SET_ANY_EXPIRY
    if unit and not expiry_of(e, c, option_value(&options, unit), unit, b"set", &expiry):
        return
    if options.flags & IF_VALUE and not condition_is_valid(c, options.flags, option_value(&options, options.flags & IF_VALUE)):
        return
    if options.flags & SET_GET and not reply_old(c, argv[1]):
        return
    old = open_for_write(c.db, argv[1])
    if options.flags & IF_VALUE and not check_type(c, old, TYPE_STRING):
        return
    if options.flags & SET_CONDITION and not may_set(old, &options):
        if not options.flags & SET_GET:
            reply_null(&c.reply)
        return
    if not store_expiring(c, old, argv[1], argv, 2, expiry, (options.flags & SET_KEEPTTL) != 0):
        reply_cut(&c.reply, reply_at)
        reply_out_of_memory(c)
        return
    if options.flags & (SET_EX | SET_PX | SET_EXAT | IF_VALUE) or options.flags & (SET_GET | SET_PXAT) == SET_GET:
        propagate_set(e, c, argc, argv, expiry)
    if not options.flags & SET_GET:
        reply_ok(&c.reply)


cdef void setnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SETNX key value."""
    cdef Entry* old = open_for_write(c.db, argv[1])
    if old != NULL:
        reply_int(&c.reply, 0)
    elif store(c, NULL, argv[1], argv, 2):
        reply_int(&c.reply, 1)
    else:
        reply_out_of_memory(c)


cdef void set_with_expiry(Engine* e, Client* c, Slice* argv, int unit, const char* command) noexcept nogil:
    cdef int64_t expiry
    cdef Slice[3] words
    if not expiry_of(e, c, argv[2], unit, command, &expiry):
        return
    if not store_expiring(c, open_for_write(c.db, argv[1]), argv[1], argv, 3, expiry, False):
        reply_out_of_memory(c)
        return
    words[1] = argv[1]
    words[2] = argv[3]
    propagate_set(e, c, 3, words, expiry)
    reply_ok(&c.reply)


cdef void setex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SETEX key seconds value. Propagates SET with PXAT and the moment."""
    set_with_expiry(e, c, argv, SET_EX, b"setex")


cdef void psetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PSETEX key milliseconds value. Propagates SET with PXAT and the moment."""
    set_with_expiry(e, c, argv, SET_PX, b"psetex")


cdef void getset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GETSET key value. Propagates SET."""
    cdef size_t reply_at = c.reply.out.len
    if not reply_old(c, argv[1]):
        return
    if not store(c, open_for_write(c.db, argv[1]), argv[1], argv, 2):
        reply_cut(&c.reply, reply_at)
        reply_out_of_memory(c)
        return
    propagate_set(e, c, argc, argv, NO_EXPIRY)


cdef void delete_and_propagate(Engine* e, Client* c, Slice key, bint lazy) noexcept nogil:
    cdef Slice[2] words
    open_for_write(c.db, key)
    delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)
    words[0] = slice_text(b"UNLINK") if lazy else slice_text(b"DEL")
    words[1] = key
    propagate_instead(e, c, 2, words)


cdef void getdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GETDEL key. Propagates the deletion."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    reply_string(c, entry)
    if entry != NULL:
        delete_and_propagate(e, c, argv[1], False)


cdef void set_expiry(Engine* e, Client* c, Slice key, int64_t expiry) noexcept nogil:
    cdef Slice[3] words
    cdef char[NUM_I64_TEXT] text
    db_set_expiry(c.db, open_for_write(c.db, key), expiry)
    mutated(c.db, key, NOTIFY_GENERIC, b"expire", 1)
    words[0] = slice_text(b"PEXPIREAT")
    words[1] = key
    words[2].ptr = text
    words[2].len = num_write_i64(text, expiry)
    propagate_instead(e, c, 3, words)


cdef void remove_expiry(Engine* e, Client* c, Slice key) noexcept nogil:
    cdef Slice[2] words
    db_set_expiry(c.db, open_for_write(c.db, key), NO_EXPIRY)
    mutated(c.db, key, NOTIFY_GENERIC, b"persist", 1)
    words[0] = slice_text(b"PERSIST")
    words[1] = key
    propagate_instead(e, c, 2, words)


cdef void getex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]. Propagates PEXPIREAT,
    PERSIST or the deletion; nothing if the expiry stays."""
    cdef Options options
    cdef uint32_t unit
    cdef int64_t expiry = NO_EXPIRY
    cdef Entry* entry
    if not arg_options(c, &GETEX_OPTIONS, argc, argv, 2, &options):
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        reply_null(&c.reply)
        return
    if not check_type(c, entry, TYPE_STRING):
        return
    unit = options.flags & SET_ANY_EXPIRY
    if unit and not expiry_of(e, c, option_value(&options, unit), unit, b"getex", &expiry):
        return
    reply_string(c, entry)
    if expiry != NO_EXPIRY:
        if expiry <= e.ks.clock.ms and not e.ks.loading and not e.ks.replica:
            delete_and_propagate(e, c, argv[1], e.ks.settings.lazyfree_lazy_expire)
        else:
            set_expiry(e, c, argv[1], expiry)
    elif options.flags & SET_PERSIST and entry_expiry(entry) != NO_EXPIRY:
        remove_expiry(e, c, argv[1])


cdef void mget_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MGET key [key ...]. Fetches the entries into the cache side by side."""
    cdef int i
    cdef Entry* entry
    reply_array(&c.reply, argc - 1)
    for i in range(1, argc):
        if i % PREFETCHED == 1:
            db_prefetch(c.db, argc - i, argv + i, 1)
        entry = lookup_read(c.db, argv[i])
        reply_string(c, entry if entry != NULL and entry_type(entry) == TYPE_STRING else NULL)


cdef bint has_pairs(Client* c, int argc, const char* command) noexcept nogil:
    if argc % 2 == 1:
        return True
    reply_error_about(&c.reply, b"ERR wrong number of arguments for '", slice_text(command), b"' command")
    return False


cdef bint store_pairs(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef int i
    for i in range(1, argc, 2):
        if i % (2 * PREFETCHED) == 1:
            db_prefetch(c.db, (argc - i) // 2, argv + i, 2)
        if store(c, open_for_write(c.db, argv[i]), argv[i], argv, i + 1):
            continue
        if i > 1:
            propagate_instead(e, c, i, argv)
        reply_out_of_memory(c)
        return False
    return True


cdef void mset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MSET key value [key value ...]. Fetches the entries into the cache side by side. Where memory ends, what has been set stays set and
    is propagated."""
    if has_pairs(c, argc, b"mset") and store_pairs(e, c, argc, argv):
        reply_ok(&c.reply)


cdef void msetnx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MSETNX key value [key value ...]."""
    cdef int i
    if not has_pairs(c, argc, b"msetnx"):
        return
    for i in range(1, argc, 2):
        if open_for_write(c.db, argv[i]) != NULL:
            reply_int(&c.reply, 0)
            return
    if store_pairs(e, c, argc, argv):
        reply_int(&c.reply, 1)


cdef bint all_or_none_exist(Client* c, int pairs, Slice* argv, bint wanted) noexcept nogil:
    """Whether of the keys of MSETEX all exist, or none, as is wanted."""
    cdef int i
    for i in range(pairs):
        if (open_for_write(c.db, argv[2 + 2 * i]) != NULL) != wanted:
            return False
    return True


cdef void propagate_pair(Engine* e, Client* c, const Slice* pair, int64_t expiry, bint keep_expiry) noexcept nogil:
    """Propagates SET, which any server knows."""
    cdef Slice[5] words
    cdef char[NUM_I64_TEXT] text
    words[0] = slice_text(b"SET")
    words[1] = pair[0]
    words[2] = pair[1]
    words[3] = slice_text(b"KEEPTTL" if keep_expiry else b"PXAT")
    if expiry != NO_EXPIRY:
        words[4].ptr = text
        words[4].len = num_write_i64(text, expiry)
    propagate_instead(e, c, 5 if expiry != NO_EXPIRY else 4 if keep_expiry else 3, words)


cdef void msetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
    PXAT unix-time-milliseconds | KEEPTTL]. Propagates a SET for each key. Where memory ends, what has been set stays set."""
    cdef Options options
    cdef int64_t pairs
    cdef int64_t expiry = NO_EXPIRY
    cdef uint32_t unit
    cdef bint keep
    cdef int i
    if not arg_in_range(c, argv[1], 1, INT32_MAX, &pairs, b"ERR invalid numkeys value or out of range"):
        return
    if pairs > (argc - 2) // 2:
        reply_syntax_error(c)
        return
    if not arg_options(c, &MSETEX_OPTIONS, argc, argv, 2 + 2 * <int>pairs, &options):
        return
    unit = options.flags & SET_ANY_EXPIRY
    if unit and not expiry_of(e, c, option_value(&options, unit), unit, b"msetex", &expiry):
        return
    if options.flags & (SET_NX | SET_XX) and not all_or_none_exist(c, <int>pairs, argv, (options.flags & SET_XX) != 0):
        reply_int(&c.reply, 0)
        return
    keep = (options.flags & SET_KEEPTTL) != 0
    for i in range(2, 2 + 2 * <int>pairs, 2):
        if not store_expiring(c, open_for_write(c.db, argv[i]), argv[i], argv, i + 1, expiry, keep):
            reply_out_of_memory(c)
            return
        propagate_pair(e, c, argv + i, expiry, keep)
    reply_int(&c.reply, 1)
