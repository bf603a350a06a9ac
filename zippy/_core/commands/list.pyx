# A command makes room before it adds (list_make_room) and, after it removed, looks whether the list is small again (list_after_removal):
# no encoding is chosen here.

from libc.stdint cimport INT64_MAX, INT64_MIN, UINT64_MAX, int32_t, int64_t, uint32_t, uint64_t
from zippy._core.ground.listpack cimport LP_AFTER, LP_BEFORE, LpItem, LpNeedle, lp_needle
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_in_range, arg_option, check_type, option_table, options_begin, reply_syntax_error
)
from zippy._core.commands.list_removal cimport list_removed
from zippy._core.keyspace.db cimport lookup_read, open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_LIST
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_defer, reply_defer_array, reply_error, reply_int, reply_null, reply_ok
)
from zippy._core.values.entry cimport TYPE_LIST
from zippy._core.values.list cimport (
    LIST_HEAD, LIST_TAIL, ListIter, item_text, list_after_removal, list_delete_range, list_iter, list_iter_delete, list_iter_done,
    list_iter_find, list_iter_insert, list_iter_items, list_iter_next, list_iter_replace, list_length, list_make_room, list_new, list_push
)


cdef enum:
    RANGE_ITEMS = 64     # elements that LRANGE takes at a time


cdef void push(Engine* e, Client* c, int argc, Slice* argv, int where, bint only_existing) noexcept nogil:
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int i
    if not check_type(c, entry, TYPE_LIST):
        return
    if entry == NULL:
        if only_existing:
            reply_int(&c.reply, 0)
            return
        entry = list_new(argv[1])
        put_new(c.db, entry)
    list_make_room(entry, &e.settings, argc - 2, argv + 2)
    for i in range(2, argc):
        list_push(entry, argv[i], where)
    reply_int(&c.reply, list_length(entry))
    mutated(c.db, argv[1], NOTIFY_LIST, b"lpush" if where == LIST_HEAD else b"rpush", argc - 2)


cdef void lpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LPUSH key element [element ...]."""
    push(e, c, argc, argv, LIST_HEAD, False)


cdef void rpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RPUSH key element [element ...]."""
    push(e, c, argc, argv, LIST_TAIL, False)


cdef void lpushx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LPUSHX key element [element ...]."""
    push(e, c, argc, argv, LIST_HEAD, True)


cdef void rpushx_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RPUSHX key element [element ...]."""
    push(e, c, argc, argv, LIST_TAIL, True)


cdef void llen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LLEN key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_LIST):
        reply_int(&c.reply, list_length(entry) if entry != NULL else 0)


cdef void lindex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LINDEX key index."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef ListIter it
    cdef int64_t index
    cdef char[24] scratch
    if entry == NULL:
        reply_null(&c.reply)
        return
    if not check_type(c, entry, TYPE_LIST) or not arg_i64(c, argv[2], &index):
        return
    if not list_iter(&it, entry, index, LIST_TAIL):
        reply_null(&c.reply)
        return
    list_iter_next(&it)
    reply_bulk(&c.reply, item_text(&it.item, scratch))
    list_iter_done(&it)


cdef void lrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LRANGE key start stop."""
    cdef int64_t start
    cdef int64_t stop
    cdef int64_t length
    cdef int64_t left
    cdef LpItem items[RANGE_ITEMS]
    cdef int count
    cdef int i
    cdef Entry* entry
    cdef ListIter it
    cdef char[24] scratch
    if not arg_i64(c, argv[2], &start) or not arg_i64(c, argv[3], &stop):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_LIST):
        return
    length = list_length(entry) if entry != NULL else 0
    if start < 0:
        start = start + length if start + length > 0 else 0
    if stop < 0:
        stop += length
    if stop >= length:
        stop = length - 1
    if start > stop or start >= length:
        reply_array(&c.reply, 0)
        return
    reply_array(&c.reply, stop - start + 1)
    left = stop - start + 1
    list_iter(&it, entry, start, LIST_TAIL)
    while left > 0:
        count = list_iter_items(&it, items, RANGE_ITEMS if left > RANGE_ITEMS else <int>left)
        for i in range(count):
            reply_bulk(&c.reply, item_text(&items[i], scratch))
        left -= count
    list_iter_done(&it)


cdef void lset_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LSET key index element. Wraps an index beyond 32 bits, as Redis does."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef ListIter it
    cdef int64_t index
    if entry == NULL:
        reply_error(&c.reply, b"ERR no such key")
        return
    if not check_type(c, entry, TYPE_LIST) or not arg_i64(c, argv[2], &index):
        return
    list_make_room(entry, &e.settings, 1, argv + 3)
    # as Redis 8.2 does: an index beyond 32 bits wraps
    if not list_iter(&it, entry, <int32_t>index, LIST_TAIL):
        reply_error(&c.reply, b"ERR index out of range")
        return
    list_iter_next(&it)
    list_iter_replace(&it, argv[3])
    list_after_removal(entry, &e.settings)
    reply_ok(&c.reply)
    mutated(c.db, argv[1], NOTIFY_LIST, b"lset", 1)


cdef enum InsertPlace:
    INSERT_BEFORE = 1
    INSERT_AFTER = 2

cdef OptionTable INSERT_WORDS = option_table("linsert", [("before", INSERT_BEFORE), ("after", INSERT_AFTER)])


cdef void linsert_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LINSERT key <BEFORE | AFTER> pivot element."""
    cdef Entry* entry
    cdef ListIter it
    cdef uint32_t place = arg_choice(&INSERT_WORDS, argv[2])
    cdef LpNeedle pivot = lp_needle(argv[3])
    cdef uint64_t most = UINT64_MAX
    if place == 0:
        reply_syntax_error(c)
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    if not check_type(c, entry, TYPE_LIST):
        return
    list_make_room(entry, &e.settings, 1, argv + 4)
    list_iter(&it, entry, 0, LIST_TAIL)
    if list_iter_find(&it, &pivot, &most):
        list_iter_insert(&it, argv[4], LP_BEFORE if place == INSERT_BEFORE else LP_AFTER)
        reply_int(&c.reply, list_length(entry))
        mutated(c.db, argv[1], NOTIFY_LIST, b"linsert", 1)
        return
    list_iter_done(&it)
    reply_int(&c.reply, -1)


cdef void ltrim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LTRIM key start stop."""
    cdef int64_t start
    cdef int64_t stop
    cdef int64_t length
    cdef int64_t before
    cdef int64_t behind
    cdef Entry* entry
    if not arg_i64(c, argv[2], &start) or not arg_i64(c, argv[3], &stop):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_LIST):
        return
    reply_ok(&c.reply)
    if entry == NULL:
        return
    length = list_length(entry)
    if start < 0:
        start = start + length if start + length > 0 else 0
    if stop < 0:
        stop += length
    if start > stop or start >= length:
        before = length
        behind = 0
    else:
        if stop >= length:
            stop = length - 1
        before = start
        behind = length - stop - 1
    if before:
        list_delete_range(entry, 0, before)
    if behind:
        list_delete_range(entry, -behind, behind)
    list_removed(e, c, argv[1], entry, b"ltrim", before + behind)


cdef void lrem_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LREM key count element."""
    cdef Entry* entry
    cdef ListIter it
    cdef int64_t count
    cdef int64_t removed = 0
    cdef int direction = LIST_TAIL
    cdef LpNeedle element = lp_needle(argv[3])
    cdef uint64_t most = UINT64_MAX
    if not arg_i64(c, argv[2], &count):
        return
    if count == INT64_MIN:
        reply_error(&c.reply, b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_LIST):
        return
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    if count < 0:
        count = -count
        direction = LIST_HEAD
    list_iter(&it, entry, 0 if direction == LIST_TAIL else -1, direction)
    while list_iter_find(&it, &element, &most):
        list_iter_delete(&it)
        removed += 1
        if removed == count:
            break
    list_iter_done(&it)
    if removed:
        list_removed(e, c, argv[1], entry, b"lrem", removed)
    reply_int(&c.reply, removed)


cdef enum SearchFlag:
    SEARCH_RANK = 1
    SEARCH_COUNT = 2
    SEARCH_MAXLEN = 4

cdef OptionTable LPOS_OPTIONS = option_table("lpos", [
    ("rank", SEARCH_RANK, 0, 1),
    ("count", SEARCH_COUNT, 0, 1),
    ("maxlen", SEARCH_MAXLEN, 0, 1),
])


cdef struct Search:
    # the options of LPOS
    int64_t rank       # of the first match wanted; negative: from the tail
    int64_t count      # matches wanted, 0: all, -1: one, replied as a number
    int64_t max_len    # comparisons, 0: no limit


cdef bint parse_rank(Client* c, Slice word, int64_t* rank) noexcept nogil:
    if not arg_i64(c, word, rank):
        return False
    if rank[0] == INT64_MIN:
        reply_error(&c.reply, b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
        return False
    if rank[0] == 0:
        reply_error(
            &c.reply, b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
            b"or use negative to start from the end of the list"
        )
        return False
    return True


cdef bint parse_search(Client* c, int argc, const Slice* argv, Search* search) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    search.rank = 1
    search.count = -1
    search.max_len = 0
    options_begin(&options, &LPOS_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return False
        if option == SEARCH_RANK and not parse_rank(c, options.value[0], &search.rank):
            return False
        if option == SEARCH_COUNT:
            if not arg_in_range(c, options.value[0], 0, INT64_MAX, &search.count, b"ERR COUNT can't be negative"):
                return False
        if option == SEARCH_MAXLEN:
            if not arg_in_range(c, options.value[0], 0, INT64_MAX, &search.max_len, b"ERR MAXLEN can't be negative"):
                return False
    return True


cdef void lpos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]."""
    cdef Search search
    cdef Entry* entry
    cdef ListIter it
    cdef LpNeedle element = lp_needle(argv[2])
    cdef int64_t index
    cdef int64_t step = 1
    cdef int64_t skip
    cdef int64_t found = 0
    cdef uint64_t most
    cdef uint64_t left
    cdef size_t place
    if not parse_search(c, argc, argv, &search):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_LIST):
        return
    if entry == NULL:
        if search.count < 0:
            reply_null(&c.reply)
        else:
            reply_array(&c.reply, 0)
        return
    index = 0
    skip = search.rank - 1
    if search.rank < 0:
        step = -1
        index = list_length(entry) - 1
        skip = -search.rank - 1
    place = reply_defer(&c.reply)
    list_iter(&it, entry, index, LIST_TAIL if step > 0 else LIST_HEAD)
    most = <uint64_t>search.max_len if search.max_len else UINT64_MAX
    left = most
    while list_iter_find(&it, &element, &left):
        if skip > 0:
            skip -= 1
            continue
        reply_int(&c.reply, index + step * <int64_t>(most - left - 1))
        found += 1
        if search.count != 0 and found >= search.count:
            break
    list_iter_done(&it)
    if search.count >= 0:
        reply_defer_array(&c.reply, place, found)
    elif found == 0:
        reply_null(&c.reply)
