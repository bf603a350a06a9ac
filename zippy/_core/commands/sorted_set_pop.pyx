# ZPOPMIN, ZMPOP and their blocking kin take a range of ranks from an end. What is propagated is the plain pop of the key that it came to.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_in_range, arg_option, arg_timeout, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.client cimport serve_or_block, want_keys
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.sorted_set_range cimport reply_member, reply_members_header
from zippy._core.commands.sorted_set_removal cimport zset_removed
from zippy._core.commands.types cimport Client, Engine, Wanted
from zippy._core.keyspace.db cimport open_for_write
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_double, reply_null_array
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport ZSetIter, zset_iter, zset_iter_next, zset_length, zset_remove_ranks

cdef enum PopReply:
    # how popped members are replied
    LOWEST = 0           # Wanted.take
    HIGHEST = 1
    REPLY_PLAIN = 0      # one: member, score. A blocking one has the key before them
    REPLY_MEMBERS = 1    # as ZRANGE WITHSCORES
    REPLY_PAIRS = 2      # an array of pairs in both protocols


cdef void reply_popped(Client* c, const ZSetIter* it, int shape) noexcept nogil:
    if shape == REPLY_MEMBERS:
        reply_member(&c.reply, it, True)
        return
    if shape == REPLY_PAIRS:
        reply_array(&c.reply, 2)
    reply_bulk(&c.reply, it.member)
    reply_double(&c.reply, it.score)


cdef void pop_members(Client* c, Slice key, Entry* entry, bint highest, uint64_t count, int shape) noexcept nogil:
    """Replies with count members (1 to all) from an end, outermost first, and takes them out."""
    cdef ZSetIter it
    cdef uint64_t length = zset_length(entry)
    cdef uint64_t _
    zset_iter(&it, entry, length - 1 if highest else 0, highest)
    for _ in range(count):
        zset_iter_next(&it)
        reply_popped(c, &it, shape)
    zset_remove_ranks(entry, length - count if highest else 0, count)
    zset_removed(c, key, entry, b"zpopmax" if highest else b"zpopmin", <int64_t>count)


cdef void pop(Client* c, int argc, Slice* argv, bint highest) noexcept nogil:
    cdef Entry* entry
    cdef int64_t count = 1
    cdef int64_t length
    if argc > 3:
        reply_syntax_error(c)
        return
    if argc == 3 and not arg_in_range(c, argv[2], 0, INT64_MAX, &count, b"ERR value is out of range, must be positive"):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_ZSET):
        return
    length = <int64_t>zset_length(entry) if entry != NULL else 0
    if count > length:
        count = length
    if count == 0:
        reply_array(&c.reply, 0)
        return
    if argc == 3:
        reply_members_header(&c.reply, count, True)
    else:
        reply_array(&c.reply, 2)
    pop_members(c, argv[1], entry, highest, count, REPLY_MEMBERS if argc == 3 else REPLY_PLAIN)


cdef void zpopmin_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZPOPMIN key [count]."""
    pop(c, argc, argv, False)


cdef void zpopmax_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZPOPMAX key [count]."""
    pop(c, argc, argv, True)


cdef void propagate_pop(Engine* e, Client* c, Slice key, bint highest, int64_t count) noexcept nogil:
    """Tells replicas which sorted set it was and how many: ZPOPMIN key, or with a count if that is not negative."""
    cdef Slice[3] request
    cdef char[NUM_I64_TEXT] number
    request[0] = slice_text(b"ZPOPMAX") if highest else slice_text(b"ZPOPMIN")
    request[1] = key
    if count < 0:
        propagate_instead(e, c, 2, request)
        return
    request[2] = slice_of(number, num_write_i64(number, count))
    propagate_instead(e, c, 3, request)


cdef bint pop_first(Engine* e, Client* c, int keys, Slice* key, bint highest, int64_t count) noexcept nogil:
    """Pops from the first of the keys that holds a sorted set; False: none does, nothing was replied. count < 0: one member, not in an
    array."""
    cdef Entry* entry
    cdef int64_t taken
    cdef int i
    for i in range(keys):
        entry = open_for_write(c.db, key[i])
        if entry == NULL:
            continue
        if not check_type(c, entry, TYPE_ZSET):
            return True
        taken = <int64_t>zset_length(entry)
        if taken > (count if count > 0 else 1):
            taken = count if count > 0 else 1
        reply_array(&c.reply, 3 if count < 0 else 2)
        reply_bulk(&c.reply, key[i])
        if count >= 0:
            reply_array(&c.reply, taken)
        pop_members(c, key[i], entry, highest, <uint64_t>taken, REPLY_PLAIN if count < 0 else REPLY_PAIRS)
        propagate_pop(e, c, key[i], highest, taken if count >= 0 else -1)
        return True
    return False


cdef bint pop_wanted(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    return pop_first(e, c, w.key_count, w.argv + w.first_key, w.take == HIGHEST, w.count)


cdef void blocking_pop(Engine* e, Client* c, int argc, Slice* argv, bint highest) noexcept nogil:
    cdef Wanted w
    want_keys(&w, pop_wanted, argv, 1, argc - 2, TYPE_ZSET)
    w.take = HIGHEST if highest else LOWEST
    if arg_timeout(e, c, argv[argc - 1], &w.timeout_us):
        serve_or_block(e, c, &w)


cdef void bzpopmin_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BZPOPMIN key [key ...] timeout. Propagates ZPOPMIN."""
    blocking_pop(e, c, argc, argv, False)


cdef void bzpopmax_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BZPOPMAX key [key ...] timeout. Propagates ZPOPMAX."""
    blocking_pop(e, c, argc, argv, True)


cdef struct MultiPop:
    # what [B]ZMPOP was asked for
    int keys
    Slice* key
    bint highest
    int64_t count


cdef enum MultiPopEnd:
    END_MIN = 1
    END_MAX = 2

cdef enum MultiPopFlag:
    MULTI_POP_COUNT = 1

cdef OptionTable END_WORDS = option_table("zmpop bzmpop", [("min", END_MIN), ("max", END_MAX)])
cdef OptionTable MULTI_POP_OPTIONS = option_table("zmpop bzmpop", [("count", MULTI_POP_COUNT, MULTI_POP_COUNT, 1)])


cdef bint parse_multi_pop(Client* c, int argc, Slice* argv, int at, MultiPop* q) noexcept nogil:
    """From the number of keys at argv[at] on; False: replied with an error."""
    cdef Options options
    cdef uint32_t end
    cdef int64_t keys
    q.count = 1
    if not arg_in_range(c, argv[at], 1, INT64_MAX, &keys, b"ERR numkeys should be greater than 0"):
        return False
    if keys >= argc - at - 1:
        reply_syntax_error(c)
        return False
    q.keys = <int>keys
    q.key = argv + at + 1
    at += 1 + q.keys
    end = arg_choice(&END_WORDS, argv[at])
    if end == 0:
        reply_syntax_error(c)
        return False
    q.highest = end == END_MAX
    options_begin(&options, &MULTI_POP_OPTIONS, argc, argv, at + 1)
    while options.at < argc:
        if arg_option(&options) == 0:
            reply_syntax_error(c)
            return False
        if not arg_in_range(c, options.value[0], 1, INT64_MAX, &q.count, b"ERR count should be greater than 0"):
            return False
    return True


cdef void zmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]. Propagates ZPOPMIN or ZPOPMAX of the key that it popped from, with the number
    of members."""
    cdef MultiPop q
    if parse_multi_pop(c, argc, argv, 1, &q) and not pop_first(e, c, q.keys, q.key, q.highest, q.count):
        reply_null_array(&c.reply)


cdef void bzmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]. Propagates ZPOPMIN or ZPOPMAX of the key that it popped from, with
    the number of members."""
    cdef MultiPop q
    cdef Wanted w
    if not parse_multi_pop(c, argc, argv, 2, &q):
        return
    want_keys(&w, pop_wanted, argv, 3, q.keys, TYPE_ZSET)
    w.take = HIGHEST if q.highest else LOWEST
    w.count = q.count
    # the timeout stands first and is read last
    if arg_timeout(e, c, argv[1], &w.timeout_us):
        serve_or_block(e, c, &w)
