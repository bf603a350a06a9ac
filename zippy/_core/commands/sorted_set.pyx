# ZADD is three steps: options, all scores, adding. An error in the first two leaves the sorted set as it was.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.ordered_tree cimport OtLexRange, OtScoreRange
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_double, arg_option, check_type, option_table, options_begin, reply_out_of_memory,
    reply_syntax_error
)
from zippy._core.commands.sorted_set_range cimport read_lex_range, read_score_range
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_ZSET
from zippy._core.resp.writer cimport reply_array, reply_double, reply_error, reply_int, reply_null, reply_null_array
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport (
    ZSET_ADDED, ZSET_GT, ZSET_INCR, ZSET_LT, ZSET_NAN, ZSET_NX, ZSET_UNTOUCHED, ZSET_UPDATED, ZSET_XX, zset_add, zset_length, zset_lex_span,
    zset_make_room, zset_new, zset_rank, zset_score, zset_score_span
)

cdef enum:
    SCORES = 16              # that need no memory of their own
    ADD_CH = 1 << 15         # beside the values' ZSET_ bits

cdef enum RankFlag:
    RANK_WITHSCORE = 1

cdef OptionTable ZADD_OPTIONS = option_table("zadd", [
    ("nx", ZSET_NX),
    ("xx", ZSET_XX),
    ("gt", ZSET_GT),
    ("lt", ZSET_LT),
    ("ch", ADD_CH),
    ("incr", ZSET_INCR),
])
cdef OptionTable RANK_OPTIONS = option_table("zrank zrevrank", [("withscore", RANK_WITHSCORE)])


# ---- adding


cdef bint check_flags(Client* c, uint32_t flags, int pairs) noexcept nogil:
    if flags & ZSET_NX and flags & ZSET_XX:
        reply_error(&c.reply, b"ERR XX and NX options at the same time are not compatible")
        return False
    if (flags & ZSET_GT and flags & (ZSET_NX | ZSET_LT)) or (flags & ZSET_LT and flags & ZSET_NX):
        reply_error(&c.reply, b"ERR GT, LT, and/or NX options at the same time are not compatible")
        return False
    if flags & ZSET_INCR and pairs > 1:
        reply_error(&c.reply, b"ERR INCR option supports a single increment-element pair")
        return False
    return True


cdef void reply_increment(Client* c, int outcome, double score) noexcept nogil:
    if outcome == ZSET_NAN:
        reply_error(&c.reply, b"ERR resulting score is not a number (NaN)")
    elif outcome == ZSET_UNTOUCHED:
        reply_null(&c.reply)
    else:
        reply_double(&c.reply, score)


cdef int64_t add_pairs(
    Engine* e, Client* c, Slice key, int pairs, const Slice* words, double* scores, int flags, bint changed_too
) noexcept nogil:
    cdef Entry* entry = open_for_write(c.db, key)
    cdef int64_t added = 0
    cdef int64_t updated = 0
    cdef int outcome = ZSET_UNTOUCHED
    cdef int i
    if not check_type(c, entry, TYPE_ZSET):
        return 0
    if entry == NULL and not flags & ZSET_XX:
        # a new sorted set gets a member in any case
        entry = zset_new(key)
        put_new(c.db, entry)
    if entry != NULL:
        zset_make_room(entry, &e.settings, <uint64_t>pairs)
        for i in range(pairs):
            outcome = zset_add(entry, &e.settings, words[2 * i + 1], &scores[i], flags)
            if outcome == ZSET_ADDED:
                added += 1
            elif outcome == ZSET_UPDATED:
                updated += 1
    if added or updated:
        mutated(c.db, key, NOTIFY_ZSET, b"zincr" if flags & ZSET_INCR else b"zadd", added + updated)
    if flags & ZSET_INCR:
        reply_increment(c, outcome, scores[0])
    else:
        reply_int(&c.reply, added + updated if changed_too else added)
    return added + updated


cdef void zadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]. Reads all scores before it adds the first, so an error
    changes nothing."""
    cdef double[SCORES] few
    cdef double* scores = few
    cdef Options options
    cdef int at
    cdef int pairs
    cdef bint valid = True
    cdef int i
    options_begin(&options, &ZADD_OPTIONS, argc, argv, 2)
    while options.at < argc and arg_option(&options):
        pass
    at = options.at
    pairs = (argc - at) // 2
    if pairs == 0 or (argc - at) % 2:
        reply_syntax_error(c)
        return
    if not check_flags(c, options.flags, pairs):
        return
    if pairs > SCORES:
        scores = <double*>mem_try_alloc(pairs * sizeof(double))
    if scores == NULL:
        reply_out_of_memory(c)
        return
    # all scores are read first: one that is none keeps the others from being set
    for i in range(pairs):
        valid = arg_double(c, argv[at + 2 * i], &scores[i])
        if not valid:
            break
    if valid:
        add_pairs(e, c, argv[1], pairs, argv + at, scores, options.flags & ~<uint32_t>ADD_CH, (options.flags & ADD_CH) != 0)
    if pairs > SCORES:
        mem_free(scores)


cdef void zincrby_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZINCRBY key increment member."""
    cdef double increment
    if arg_choice(&ZADD_OPTIONS, argv[2]):
        # Redis reads ZADD's options here too, and then misses the increment
        reply_syntax_error(c)
    elif arg_double(c, argv[2], &increment):
        add_pairs(e, c, argv[1], 1, argv + 2, &increment, ZSET_INCR, False)


# ---- asking


cdef void zscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZSCORE key member."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef double score
    if not check_type(c, entry, TYPE_ZSET):
        return
    if entry != NULL and zset_score(entry, argv[2], &score):
        reply_double(&c.reply, score)
    else:
        reply_null(&c.reply)


cdef void zmscore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZMSCORE key member [member ...]."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef double score
    cdef int i
    if not check_type(c, entry, TYPE_ZSET):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        if entry != NULL and zset_score(entry, argv[i], &score):
            reply_double(&c.reply, score)
        else:
            reply_null(&c.reply)


cdef void zcard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZCARD key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_ZSET):
        reply_int(&c.reply, <int64_t>zset_length(entry) if entry != NULL else 0)


cdef void zcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZCOUNT key min max."""
    cdef OtScoreRange range
    cdef Entry* entry
    cdef uint64_t first
    if not read_score_range(c, argv[2], argv[3], &range):
        return
    entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_ZSET):
        reply_int(&c.reply, <int64_t>zset_score_span(entry, &range, &first) if entry != NULL else 0)


cdef void zlexcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZLEXCOUNT key min max."""
    cdef OtLexRange range
    cdef Entry* entry
    cdef uint64_t first
    if not read_lex_range(c, argv[2], argv[3], &range):
        return
    entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_ZSET):
        reply_int(&c.reply, <int64_t>zset_lex_span(entry, &range, &first) if entry != NULL else 0)


cdef void reply_rank(Client* c, int argc, const Slice* argv, bint reverse) noexcept nogil:
    cdef bint with_score = argc > 3
    cdef Entry* entry
    cdef double score = 0
    cdef int64_t rank = -1
    if argc > 4:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'zrevrank' command" if reverse
                    else b"ERR wrong number of arguments for 'zrank' command")
        return
    if with_score and arg_choice(&RANK_OPTIONS, argv[3]) != RANK_WITHSCORE:
        reply_syntax_error(c)
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_ZSET):
        return
    if entry != NULL:
        rank = zset_rank(entry, argv[2], &score)
    if rank < 0:
        if with_score:
            reply_null_array(&c.reply)
        else:
            reply_null(&c.reply)
        return
    if with_score:
        reply_array(&c.reply, 2)
    reply_int(&c.reply, <int64_t>zset_length(entry) - 1 - rank if reverse else rank)
    if with_score:
        reply_double(&c.reply, score)


cdef void zrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANK key member [WITHSCORE]."""
    reply_rank(c, argc, argv, False)


cdef void zrevrank_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZREVRANK key member [WITHSCORE]."""
    reply_rank(c, argc, argv, True)
