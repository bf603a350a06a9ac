# A few fields of a large hash are drawn from its table; when more than a third are wanted, drawing without repeats would draw most of
# them several times, so all are walked and chosen. Of fields whose time is over a few hundred are removed first, as Redis removes all;
# those beyond are drawn again or passed over.

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint32_t, uint64_t
from zippy._core.ground.mem cimport mem_free
from zippy._core.ground.sampling cimport Choice, choose, draw_distinct
from zippy._core.commands.args cimport OptionTable, Options, arg_i64, arg_options, check_type, option_table, reply_out_of_memory
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.hash cimport live_length
from zippy._core.commands.output cimport reply_may_go_on, reply_may_repeat
from zippy._core.keyspace.db cimport lookup_peek, lookup_read
from zippy._core.keyspace.element_expiry cimport EXPIRE_AT_ONCE, element_is_over, elements_next, expire_elements
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_null
from zippy._core.values.entry cimport TYPE_HASH, Entry, entry_key
from zippy._core.values.hash cimport (
    HashIter, HashPair, hash_field_of, hash_iter, hash_iter_done, hash_iter_next, hash_length, hash_new, hash_places, hash_random,
    hash_set, hash_table, hash_value_of
)

cdef enum:
    FEW = 3      # up to a third of all are drawn one by one; beyond, all are walked
    FIELD = 24   # bytes, about, of a field beside its texts
    DRAWS = 8    # draws for a field that is not over
    SEEKS = 8         # draws from a listpack that are worth no list of where its elements are


cdef enum DrawFlag:
    DRAW_WITHVALUES = 1

cdef OptionTable HRANDFIELD_OPTIONS = option_table("hrandfield", [("withvalues", DRAW_WITHVALUES, DRAW_WITHVALUES)])


cdef struct Draw:
    # HRANDFIELD with a count
    Client* client
    int64_t count        # negative: with repeats
    bint with_values
    uint64_t live        # fields that are not over


cdef bint parse_draw(Client* c, int argc, const Slice* argv, Draw* draw) noexcept nogil:
    cdef Options options
    draw.client = c
    if not arg_i64(c, argv[2], &draw.count):
        return False
    if draw.count == INT64_MIN:
        reply_error(&c.reply, b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
        return False
    if not arg_options(c, &HRANDFIELD_OPTIONS, argc, argv, 3, &options):
        return False
    draw.with_values = (options.flags & DRAW_WITHVALUES) != 0
    if draw.with_values and not -(INT64_MAX // 2) <= draw.count <= INT64_MAX // 2:
        reply_error(&c.reply, b"ERR value is out of range")
        return False
    return True


cdef inline void reply_drawn(const Draw* draw, Slice field, Slice value) noexcept nogil:
    cdef Client* c = draw.client
    if draw.with_values and c.reply.proto > 2:
        reply_array(&c.reply, 2)
    reply_bulk(&c.reply, field)
    if draw.with_values:
        reply_bulk(&c.reply, value)


cdef void reply_block(void* context, void* block) noexcept nogil:
    cdef Slice field
    hash_field_of(block, &field)
    reply_drawn(<Draw*>context, field, hash_value_of(block))


cdef inline void reply_length(const Draw* draw, int64_t count) noexcept nogil:
    cdef Client* c = draw.client
    reply_array(&c.reply, 2 * count if draw.with_values and c.reply.proto == 2 else count)


cdef bint are_drawn_again(const Draw* draw, const Entry* entry, uint64_t wanted) noexcept nogil:
    """Whether drawing until a field is not over takes few draws: for each, or in all."""
    cdef uint64_t length = hash_length(entry)
    return length <= draw.live * DRAWS or wanted <= draw.live // DRAWS


cdef void draw_live(Engine* e, const Draw* draw, const Entry* entry, const uint32_t* places, HashPair* pair) noexcept nogil:
    """A uniform field of those that are not over."""
    hash_random(entry, &e.ks.random, places, pair)
    while element_is_over(draw.client.db, pair.expiry):
        hash_random(entry, &e.ks.random, places, pair)


cdef void reply_with_repeats(Engine* e, const Draw* draw, Entry* entry) noexcept nogil:
    cdef Client* c = draw.client
    cdef HashPair pair
    cdef int64_t left = -draw.count
    cdef uint32_t* places
    cdef size_t place = c.reply.out.len
    if not reply_may_repeat(e, c, <uint64_t>left):
        return
    reply_length(draw, left)
    places = hash_places(entry) if left > SEEKS else NULL
    while left:
        draw_live(e, draw, entry, places, &pair)
        reply_drawn(draw, pair.field, pair.value)
        left -= 1
        if not reply_may_go_on(e, c, place):
            break
    mem_free(places)


cdef void reply_distinct(Engine* e, Draw* draw, Entry* entry) noexcept nogil:
    cdef HashIter it
    cdef Choice choice
    cdef uint64_t length = hash_length(entry)
    cdef uint64_t count = <uint64_t>draw.count if <uint64_t>draw.count < draw.live else draw.live
    reply_length(draw, count)
    if hash_table(entry) != NULL and draw.live == length and count <= length // FEW:
        draw_distinct(hash_table(entry), &e.ks.random, count, reply_block, draw)
        return
    choice.left = draw.live
    choice.wanted = count
    hash_iter(&it, entry)
    while choice.wanted and hash_iter_next(&it):
        if not element_is_over(draw.client.db, it.pair.expiry) and choose(&choice, &e.ks.random):
            reply_drawn(draw, it.pair.field, it.pair.value)
    hash_iter_done(&it)


cdef Entry* live_copy(Engine* e, Client* c, Entry* entry) noexcept nogil:
    """A copy without the fields whose time is over, of which there are others; NULL: out of memory."""
    cdef Entry* copy = hash_new(entry_key(entry))
    cdef HashIter it
    cdef Growth growth
    growth_begin(&growth)
    hash_iter(&it, entry)
    while hash_iter_next(&it):
        if not element_is_over(c.db, it.pair.expiry) and growth_takes(&growth, it.pair.field.len + it.pair.value.len + FIELD):
            hash_set(copy, &e.settings, it.pair.field, it.pair.value)
    hash_iter_done(&it)
    if not growth.failed:
        return copy
    free_entry(&e.ks, copy)
    return NULL


cdef void reply_draw(Engine* e, Client* c, int argc, Draw* draw, Entry* entry) noexcept nogil:
    """Replies with what is drawn of a hash."""
    cdef HashPair pair
    if draw.live == 0 and argc > 2:
        reply_array(&c.reply, 0)
    elif draw.live == 0:
        reply_null(&c.reply)
    elif argc == 2:
        draw_live(e, draw, entry, NULL, &pair)
        reply_bulk(&c.reply, pair.field)
    elif draw.count < 0:
        reply_with_repeats(e, draw, entry)
    else:
        reply_distinct(e, draw, entry)


cdef void hrandfield_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HRANDFIELD key [count [WITHVALUES]]. Draws from a large hash's table when at most a third of it is wanted; else walks all of it.
    Removes fields whose time is over before."""
    cdef Entry* entry
    cdef Entry* copy = NULL
    cdef Draw draw
    draw.count = -1
    if argc > 2 and not parse_draw(c, argc, argv, &draw):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH):
        return
    if element_is_over(c.db, elements_next(entry)):
        expire_elements(c.db, entry, EXPIRE_AT_ONCE)
        entry = lookup_peek(c.db, argv[1])
    draw.client = c
    draw.live = live_length(c, entry)
    if draw.live and draw.count < 0 and not are_drawn_again(&draw, entry, <uint64_t>-draw.count):
        # nearly all of many are over
        copy = live_copy(e, c, entry)
        if copy == NULL:
            reply_out_of_memory(c)
            return
        entry = copy
    reply_draw(e, c, argc, &draw, entry)
    if copy != NULL:
        free_entry(&e.ks, copy)
