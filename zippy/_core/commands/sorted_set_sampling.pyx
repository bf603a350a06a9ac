# A few members of a large sorted set are drawn from its table; when more than a third are wanted, all are walked and chosen.

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint32_t, uint64_t
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_write_double
from zippy._core.ground.ordered_item cimport OtItem, ot_member
from zippy._core.ground.mem cimport mem_free
from zippy._core.ground.sampling cimport Choice, choose, draw_distinct
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.args cimport OptionTable, Options, arg_i64, arg_options, check_type, option_table
from zippy._core.commands.output cimport reply_may_go_on, reply_may_repeat
from zippy._core.commands.scan_arguments cimport (
    SCAN_MEMBERS, Scan, scan_add, scan_begin, scan_cursor, scan_end, scan_options, scan_reply_empty, scan_table, scan_wants
)
from zippy._core.commands.sorted_set_range cimport reply_member, reply_members_header
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_null
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport ZSetIter, zset_iter, zset_iter_next, zset_length, zset_places, zset_random, zset_table

cdef enum:
    FEW = 3              # up to a third of all are drawn one by one; beyond, all are walked
    SEEKS = 8         # draws from a listpack that are worth no list of where its elements are


# ---- ZRANDMEMBER


cdef enum DrawFlag:
    DRAW_WITHSCORES = 1

cdef OptionTable ZRANDMEMBER_OPTIONS = option_table("zrandmember", [("withscores", DRAW_WITHSCORES, DRAW_WITHSCORES)])


cdef struct Draw:
    # what ZRANDMEMBER was asked for
    Client* client
    int64_t count            # negative: the same member may come again
    bint with_scores


cdef bint parse_draw(Client* c, int argc, const Slice* argv, Draw* draw) noexcept nogil:
    cdef Options options
    draw.client = c
    if not arg_i64(c, argv[2], &draw.count):
        return False
    if draw.count == INT64_MIN:
        reply_error(&c.reply, b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
        return False
    if not arg_options(c, &ZRANDMEMBER_OPTIONS, argc, argv, 3, &options):
        return False
    draw.with_scores = (options.flags & DRAW_WITHSCORES) != 0
    if draw.with_scores and not -(INT64_MAX // 2) <= draw.count <= INT64_MAX // 2:
        reply_error(&c.reply, b"ERR value is out of range")
        return False
    return True


cdef void reply_with_repeats(Engine* e, const Draw* draw, Entry* entry) noexcept nogil:
    cdef Client* c = draw.client
    cdef ZSetIter it
    cdef int64_t left = -draw.count
    cdef uint32_t* places
    cdef size_t place = c.reply.out.len
    if not reply_may_repeat(e, c, <uint64_t>left):
        return
    reply_members_header(&c.reply, left, draw.with_scores)
    places = zset_places(entry) if left > SEEKS else NULL
    while left:
        zset_random(&it, entry, &e.ks.random, places)
        reply_member(&c.reply, &it, draw.with_scores)
        left -= 1
        if not reply_may_go_on(e, c, place):
            break
    mem_free(places)


cdef void reply_item(void* context, void* item) noexcept nogil:
    cdef const Draw* draw = <const Draw*>context
    cdef const OtItem* scored = <const OtItem*>item
    cdef ZSetIter it
    it.member = ot_member(scored)
    it.score = scored.score
    reply_member(&draw.client.reply, &it, draw.with_scores)


cdef void reply_distinct(Engine* e, Draw* draw, Entry* entry) noexcept nogil:
    cdef Client* c = draw.client
    cdef ZSetIter it
    cdef Choice choice
    choice.left = zset_length(entry)
    choice.wanted = <uint64_t>draw.count if <uint64_t>draw.count < choice.left else choice.left
    reply_members_header(&c.reply, <int64_t>choice.wanted, draw.with_scores)
    if zset_table(entry) != NULL and choice.wanted <= choice.left // FEW:
        draw_distinct(zset_table(entry), &e.ks.random, choice.wanted, reply_item, draw)
        return
    zset_iter(&it, entry, 0, False)
    while zset_iter_next(&it):
        if choose(&choice, &e.ks.random):
            reply_member(&c.reply, &it, draw.with_scores)


cdef void zrandmember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZRANDMEMBER key [count [WITHSCORES]]. Draws from a large sorted set's table when at most a third of it is wanted; else walks all of
    it."""
    cdef Entry* entry
    cdef ZSetIter it
    cdef Draw draw
    if argc > 2 and not parse_draw(c, argc, argv, &draw):
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL and argc > 2:
        reply_array(&c.reply, 0)
    elif entry == NULL:
        reply_null(&c.reply)
    elif not check_type(c, entry, TYPE_ZSET):
        return
    elif argc == 2:
        zset_random(&it, entry, &e.ks.random, NULL)
        reply_bulk(&c.reply, it.member)
    elif draw.count < 0:
        reply_with_repeats(e, &draw, entry)
    else:
        reply_distinct(e, &draw, entry)


# ---- ZSCAN


cdef void scan_item(void* context, void* item) noexcept nogil:
    cdef Scan* scan = <Scan*>context
    cdef const OtItem* scored = <const OtItem*>item
    cdef char[NUM_DOUBLE_TEXT] text
    if scan_wants(scan, ot_member(scored)):
        scan_add(scan, ot_member(scored))
        # not the shortest text, as everywhere else: so Redis has it
        scan_add(scan, slice_of(text, format_text(text, NUM_DOUBLE_TEXT, b"%.17g", scored.score)))


cdef void scan_all(Scan* scan, Entry* entry) noexcept nogil:
    cdef char[NUM_DOUBLE_TEXT] text
    cdef ZSetIter it
    zset_iter(&it, entry, 0, False)
    while zset_iter_next(&it):
        if scan_wants(scan, it.member):
            scan_add(scan, it.member)
            scan_add(scan, slice_of(text, num_write_double(text, it.score)))


cdef void zscan_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZSCAN key cursor [MATCH pattern] [COUNT count]. Writes a large sorted set's scores in 17 digits, as Redis does."""
    cdef Entry* entry
    cdef Scan scan
    cdef uint64_t cursor = 0
    if not scan_cursor(c, argv[2], &scan.cursor):
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        scan_reply_empty(c)
        return
    if not check_type(c, entry, TYPE_ZSET) or not scan_options(c, argc, argv, 3, SCAN_MEMBERS, &scan):
        return
    scan_begin(&scan, c)
    if zset_table(entry) != NULL:
        cursor = scan_table(&scan, zset_table(entry), scan_item)
    else:
        scan_all(&scan, entry)
    scan_end(&scan, c, cursor)
