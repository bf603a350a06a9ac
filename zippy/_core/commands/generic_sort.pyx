# Elements and weights are copied into one arena, since looking up a weight may touch any key. What is then merged is ranks of 16 bytes: an
# index, and the bits of a score or eight bytes of a text, those behind what all texts begin with. Merging is stable, as what is stored must
# be the same on every replica.

from libc.stdint cimport UINT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset
from zippy._core.ground.crc cimport key_slot, pattern_slot
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_append_byte, buf_free, buf_init, slice_compare, slice_is, slice_of
from zippy._core.ground.listpack cimport LpItem
from zippy._core.ground.mem cimport mem_free, mem_try_alloc, mem_try_realloc
from zippy._core.ground.number cimport num_read_lax_double
from zippy._core.commands.acl_check cimport acl_reads_all_keys
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, option_table, options_begin, reply_out_of_memory, reply_syntax_error,
    reply_wrong_type
)
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.types cimport CLIENT_RESTRICTED, Client, Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.element_expiry cimport element_is_over
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_LIST
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_cut, reply_error, reply_int, reply_null
from zippy._core.values.entry cimport TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING, TYPE_ZSET, Entry, entry_string, entry_type
from zippy._core.values.hash cimport HashPair, hash_find
from zippy._core.values.list cimport (
    LIST_TAIL, ListIter, item_text, list_iter, list_iter_done, list_iter_next, list_make_room, list_new, list_push
)
from zippy._core.values.set cimport SetIter, set_iter, set_iter_done, set_iter_next
from zippy._core.values.zset cimport ZSetIter, zset_iter, zset_iter_next, zset_to_tree

cdef enum:
    ELEMENT_TEXT = 24        # bytes of scratch for an integer element
    ELEMENT = 16             # bytes, about, of an element beside its text
    RUN = 4                  # items that are sorted by insertion before merging begins
    SELECTED = 64            # items for which there is room beside twice those wanted, before all others are dropped


cdef enum SortFlag:
    SORT_ASC = 1
    SORT_DESC = 2
    SORT_ALPHA = 4
    SORT_LIMIT = 8
    SORT_STORE = 16
    SORT_BY = 32
    SORT_GET = 64

cdef OptionTable SORT_OPTIONS = option_table("sort", [
    ("asc", SORT_ASC),
    ("desc", SORT_DESC),
    ("alpha", SORT_ALPHA),
    ("limit", SORT_LIMIT, 0, 2),
    ("store", SORT_STORE, 0, 1),
    ("by", SORT_BY, 0, 1),
    ("get", SORT_GET, 0, 1),
])
cdef OptionTable SORT_RO_OPTIONS = option_table("sort_ro", [
    ("asc", SORT_ASC),
    ("desc", SORT_DESC),
    ("alpha", SORT_ALPHA),
    ("limit", SORT_LIMIT, 0, 2),
    ("by", SORT_BY, 0, 1),
    ("get", SORT_GET, 0, 1),
])


cdef struct SortRequest:
    bint descending
    bint alpha
    bint unsorted            # BY a pattern without a star
    Slice by                 # borrowed; ptr is NULL without BY
    Slice store              # borrowed; ptr is NULL without STORE
    int64_t offset
    int64_t count            # negative: all
    int gets                 # patterns of GET


cdef struct Item:
    Slice element            # in the arena
    Slice weight             # in the arena, for ALPHA BY; ptr is NULL when there is none
    double score
    bint is_number           # the element was kept as an integer: score is its value already


cdef struct Rank:
    uint64_t bits            # of the score or text, in the order wanted: where they differ, nothing else is looked at
    int64_t index            # of the item


cdef struct Sorting:
    SortRequest options
    Slice* gets              # the patterns of GET, borrowed from argv; NULL without one
    Buf arena                # bytes of elements and weights
    Item* items
    int64_t length
    int64_t room
    bint failed              # for want of memory something is missing


cdef bint may_read(Client* c, uint32_t option, Slice pattern, int argc, const Slice* argv) noexcept nogil:
    """Whether the client's user may read all keys, as BY and GET may; else replies with an error. BY without a star reads none."""
    if not c.flags & CLIENT_RESTRICTED:
        return True
    if option == SORT_BY and (pattern.len == 0 or memchr(pattern.ptr, c'*', pattern.len) == NULL):
        return True
    if acl_reads_all_keys(c.user, c.engine.call.command, argc, argv):
        return True
    if option == SORT_BY:
        reply_error(&c.reply, b"ERR BY option of SORT denied due to insufficient ACL permissions.")
    else:
        reply_error(&c.reply, b"ERR GET option of SORT denied due to insufficient ACL permissions.")
    return False


cdef bint is_in_slot(Client* c, uint32_t option, Slice pattern, Slice key) noexcept nogil:
    """In a cluster: whether all keys that a pattern makes are of the key's slot; else replies with an error."""
    if c.engine.cluster == NULL or pattern_slot(pattern) == key_slot(key):
        return True
    if option == SORT_BY:
        if pattern.len == 0 or memchr(pattern.ptr, c'*', pattern.len) == NULL:
            return True
        reply_error(&c.reply, b"ERR BY option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.")
    else:
        if slice_is(pattern, b"#"):
            return True
        reply_error(&c.reply, b"ERR GET option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.")
    return False


cdef bint parse(Client* c, int argc, const Slice* argv, const OptionTable* table, SortRequest* request) noexcept nogil:
    """Reads the options; False: replied with an error."""
    cdef Options options
    cdef uint32_t option
    cdef const Slice* value
    memset(request, 0, sizeof(SortRequest))
    request.count = -1
    options_begin(&options, table, argc, argv, 2)
    while options.at < argc:
        option = arg_option(&options)
        value = options.value
        if option & (SORT_BY | SORT_GET):
            if not is_in_slot(c, option, value[0], argv[1]) or not may_read(c, option, value[0], argc, argv):
                return False
        if option == 0:
            reply_syntax_error(c)
            return False
        if option & (SORT_ASC | SORT_DESC):
            request.descending = option == SORT_DESC
        elif option == SORT_LIMIT:
            if not arg_i64(c, value[0], &request.offset) or not arg_i64(c, value[1], &request.count):
                return False
        elif option == SORT_STORE:
            request.store = value[0]
        elif option == SORT_BY:
            request.by = value[0]
            # once there was one without a star, a further pattern changes nothing
            request.unsorted = request.unsorted or value[0].len == 0 or memchr(value[0].ptr, c'*', value[0].len) == NULL
        elif option == SORT_GET:
            request.gets += 1
    request.alpha = (options.flags & SORT_ALPHA) != 0
    return True


# Elements and weights


cdef Slice keep(Sorting* s, Slice text) noexcept nogil:
    """Copies text to the arena; until the arena is complete, ptr is the offset plus one."""
    cdef size_t at = s.arena.len
    buf_append(&s.arena, text.ptr, text.len)
    return slice_of(<const char*>(at + 1), text.len)


cdef void add_item(Sorting* s, const LpItem* element) noexcept nogil:
    cdef char[ELEMENT_TEXT] scratch
    cdef Item* item
    cdef int64_t room = s.room * 2 if s.room else 64
    cdef void* longer
    if s.length == s.room:
        longer = mem_try_realloc(s.items, room * sizeof(Item))
        if longer == NULL:
            s.failed = True
            return
        s.items = <Item*>longer
        s.room = room
    item = &s.items[s.length]
    item.element = keep(s, item_text(element, scratch))
    item.weight = slice_of(NULL, 0)
    item.is_number = element.ptr == NULL
    item.score = <double>element.num if item.is_number else 0.0
    s.length += 1


cdef void collect(Sorting* s, Entry* entry) noexcept nogil:
    cdef ListIter list_it
    cdef SetIter set_it
    cdef ZSetIter zset_it
    cdef LpItem member
    if entry_type(entry) == TYPE_LIST:
        list_iter(&list_it, entry, 0, LIST_TAIL)
        while list_iter_next(&list_it):
            add_item(s, &list_it.item)
        list_iter_done(&list_it)
    elif entry_type(entry) == TYPE_SET:
        set_iter(&set_it, entry)
        while set_iter_next(&set_it):
            add_item(s, &set_it.member)
        set_iter_done(&set_it)
    else:
        # as Redis does: sorting a sorted set gives it the large encoding, which OBJECT ENCODING shows
        zset_to_tree(entry)
        zset_iter(&zset_it, entry, 0, False)
        while zset_iter_next(&zset_it):
            member.ptr = zset_it.member.ptr
            member.len = zset_it.member.len
            add_item(s, &member)


cdef const char* find_arrow(const char* at, size_t len) noexcept nogil:
    cdef size_t i
    # a field follows: "->" at the very end is part of the key
    for i in range(len):
        if i + 2 < len and at[i] == c'-' and at[i + 1] == c'>':
            return at + i
    return NULL


cdef bint look_up(Client* c, Slice pattern, Slice element, Buf* scratch, Slice* value) noexcept nogil:
    """What the pattern stands for: the element, a string, or a hash's field. *value is borrowed from the keyspace or from scratch. False:
    there is nothing, or scratch has failed."""
    cdef const char* star
    cdef const char* arrow
    cdef Slice field = slice_of(NULL, 0)
    cdef size_t key_end = pattern.len
    cdef Entry* entry
    cdef HashPair pair
    cdef char[ELEMENT_TEXT] text
    if pattern.len == 1 and pattern.ptr[0] == c'#':
        value[0] = element
        return True
    star = <const char*>memchr(pattern.ptr, c'*', pattern.len) if pattern.len else NULL
    if star == NULL:
        return False
    arrow = find_arrow(star + 1, pattern.ptr + pattern.len - star - 1)
    if arrow != NULL:
        field = slice_of(arrow + 2, pattern.ptr + pattern.len - arrow - 2)
        key_end = arrow - pattern.ptr
    scratch.len = 0
    buf_append(scratch, pattern.ptr, star - pattern.ptr)
    buf_append(scratch, element.ptr, element.len)
    buf_append(scratch, star + 1, pattern.ptr + key_end - star - 1)
    # an empty key still has an address
    buf_append_byte(scratch, 0)
    if scratch.failed:
        return False
    entry = lookup_read(c.db, slice_of(scratch.data, scratch.len - 1))
    if entry == NULL:
        return False
    if field.ptr != NULL:
        if entry_type(entry) != TYPE_HASH or not hash_find(entry, field, &pair) or element_is_over(c.db, pair.expiry):
            return False
        value[0] = pair.value
    elif entry_type(entry) == TYPE_STRING:
        value[0] = entry_string(entry, text)
    else:
        return False
    if value.ptr == text or value.ptr == pair.value_text:
        # integers were written to this function's own memory
        scratch.len = 0
        buf_append(scratch, value.ptr, value.len)
        value.ptr = scratch.data
    return not scratch.failed


cdef bint weigh(Client* c, Sorting* s) noexcept nogil:
    """Gives each item its score or its weight; False: a score is no number."""
    cdef SortRequest* o = &s.options
    cdef Buf scratch
    cdef Slice value
    cdef Slice element
    cdef int64_t i
    cdef bint found
    cdef bint good = True
    buf_init(&scratch)
    for i in range(s.length):
        element = slice_of(s.arena.data + <size_t>s.items[i].element.ptr - 1, s.items[i].element.len)
        if o.by.ptr != NULL:
            s.items[i].score = 0
            found = look_up(c, o.by, element, &scratch, &value)
        elif s.items[i].is_number and not o.alpha:
            continue
        else:
            value = element
            found = True
        if not found:
            continue
        if not o.alpha:
            if not num_read_lax_double(value, &s.items[i].score):
                good = False
                break
        elif o.by.ptr != NULL:
            s.items[i].weight = keep(s, value)
    s.failed = s.failed or scratch.failed
    buf_free(&scratch)
    return good


cdef void fix_addresses(Sorting* s) noexcept nogil:
    cdef int64_t i
    for i in range(s.length):
        s.items[i].element.ptr = s.arena.data + <size_t>s.items[i].element.ptr - 1
        if s.items[i].weight.ptr != NULL:
            s.items[i].weight.ptr = s.arena.data + <size_t>s.items[i].weight.ptr - 1


# Order


cdef int compare_text(Slice a, Slice b) noexcept nogil:
    """As strcoll of the C locale: up to the first NUL."""
    cdef const char* end = <const char*>memchr(a.ptr, 0, a.len) if a.len else NULL
    if end != NULL:
        a.len = end - a.ptr
    end = <const char*>memchr(b.ptr, 0, b.len) if b.len else NULL
    if end != NULL:
        b.len = end - b.ptr
    return slice_compare(a, b)


cdef int compare(const SortRequest* o, const Item* a, const Item* b) noexcept nogil:
    cdef int order
    if not o.alpha:
        order = (a.score > b.score) - (a.score < b.score)
        if order == 0:
            order = slice_compare(a.element, b.element)
    elif o.by.ptr == NULL:
        order = slice_compare(a.element, b.element) if o.store.ptr != NULL else compare_text(a.element, b.element)
    elif a.weight.ptr == NULL or b.weight.ptr == NULL:
        order = (a.weight.ptr != NULL) - (b.weight.ptr != NULL)
    else:
        order = slice_compare(a.weight, b.weight) if o.store.ptr != NULL else compare_text(a.weight, b.weight)
    return -order if o.descending else order


cdef inline uint64_t ordered_bits(double score) noexcept nogil:
    """An integer that is to others as the score is to theirs; the two zeros are one."""
    cdef uint64_t bits
    score += 0.0
    memcpy(&bits, &score, sizeof(bits))
    return ~bits if bits >> 63 else bits | <uint64_t>1 << 63


cdef inline bint precedes(const Sorting* s, const Rank* a, const Rank* b) noexcept nogil:
    """Whether a, which came later, has to go before b."""
    if a.bits != b.bits:
        return a.bits < b.bits
    return compare(&s.options, &s.items[a.index], &s.items[b.index]) < 0


cdef void sort_run(const Sorting* s, Rank* ranks, int64_t count) noexcept nogil:
    """Sorts a few by insertion."""
    cdef int64_t i
    cdef int64_t at
    cdef Rank rank
    for i in range(1, count):
        rank = ranks[i]
        at = i
        while at > 0 and precedes(s, &rank, &ranks[at - 1]):
            ranks[at] = ranks[at - 1]
            at -= 1
        ranks[at] = rank


cdef void merge(const Sorting* s, const Rank* ranks, int64_t middle, int64_t end, Rank* merged) noexcept nogil:
    """Merges two neighbouring runs. Which of the two is next cannot be foreseen, so nothing branches on it."""
    cdef int64_t left = 0
    cdef int64_t right = middle
    cdef bint later
    if middle == end or not precedes(s, &ranks[middle], &ranks[middle - 1]):
        # in order already: what is all alike costs no comparison an item
        memcpy(merged, ranks, end * sizeof(Rank))
        return
    while left < middle and right < end:
        if ranks[left].bits == ranks[right].bits:
            later = precedes(s, &ranks[right], &ranks[left])
        else:
            later = ranks[right].bits < ranks[left].bits
        merged[0] = ranks[right if later else left]
        merged += 1
        right += later
        left += not later
    memcpy(merged, ranks + left, (middle - left) * sizeof(Rank))
    memcpy(merged + (middle - left), ranks + right, (end - right) * sizeof(Rank))


cdef inline Slice text_of(const Sorting* s, int64_t i) noexcept nogil:
    """What ALPHA compares of an item; ptr is NULL when there is none."""
    return s.items[i].element if s.options.by.ptr == NULL else s.items[i].weight


cdef size_t common_prefix(const Sorting* s) noexcept nogil:
    """How many bytes all texts begin with alike, a NUL being the end of a text."""
    cdef Slice common = slice_of(NULL, 0)
    cdef Slice text
    cdef size_t same
    cdef int64_t i
    for i in range(s.length):
        text = text_of(s, i)
        if text.ptr == NULL:
            continue
        if common.ptr == NULL:
            common = text
        if text.len >= common.len and memcmp(text.ptr, common.ptr, common.len) == 0:
            continue
        same = 0
        while same < text.len and text.ptr[same] == common.ptr[same]:
            same += 1
        common.len = same
    for same in range(common.len):
        if common.ptr[same] == 0:
            return same
    return common.len


cdef uint64_t text_bits(Slice text, size_t at) noexcept nogil:
    """Eight bytes of a text from `at` on as a number that is to others as the texts are to theirs; zeros from its end or a NUL on."""
    cdef uint64_t bits = 0
    cdef bint ended = False
    cdef size_t i
    for i in range(at, at + 8):
        ended = ended or i >= text.len or text.ptr[i] == 0
        bits = bits << 8 | (0 if ended else <uint8_t>text.ptr[i])
    return bits


cdef Rank* merge_sort(const Sorting* s, Rank* ranks, int64_t count, Rank* merged) noexcept nogil:
    """The one of two arrays in which the ranks are in order in the end."""
    cdef int64_t width = RUN
    cdef int64_t begin = 0
    while begin < count:
        sort_run(s, ranks + begin, min(<int64_t>RUN, count - begin))
        begin += RUN
    while width < count:
        begin = 0
        while begin < count:
            merge(s, ranks + begin, min(width, count - begin), min(2 * width, count - begin), merged + begin)
            begin += 2 * width
        ranks, merged = merged, ranks
        width *= 2
    return ranks


cdef const Rank* first_ranks(const Sorting* s, int64_t wanted, int64_t room, Rank* ranks, Rank* merged) noexcept nogil:
    """The one of two arrays in which those wanted are in order in the end, from the first on. When so many have been ranked as there is
    room for, all but those wanted are dropped, and from then on only what precedes the last of these is taken."""
    cdef uint64_t turned = UINT64_MAX if s.options.descending else 0
    cdef size_t prefix = common_prefix(s) if s.options.alpha else 0
    cdef Rank* kept
    cdef bint chosen = False
    cdef int64_t count = 0
    cdef int64_t i
    for i in range(s.length):
        ranks[count].index = i
        ranks[count].bits = turned ^ (text_bits(text_of(s, i), prefix) if s.options.alpha else ordered_bits(s.items[i].score))
        if chosen and not precedes(s, &ranks[count], &ranks[wanted - 1]):
            continue
        count += 1
        if count == room and i + 1 < s.length:
            kept = merge_sort(s, ranks, count, merged)
            if kept != ranks:
                ranks, merged = merged, ranks
            count = wanted
            chosen = True
    return merge_sort(s, ranks, count, merged)


cdef bint put_in_order(Sorting* s, int64_t wanted) noexcept nogil:
    """Leaves only so many items, those that are first in the order, and in order; the length stays. False: out of memory."""
    cdef int64_t room = min(s.length, 2 * wanted + SELECTED)
    cdef Item* items = <Item*>mem_try_alloc(wanted * sizeof(Item))
    cdef Rank* ranks = <Rank*>mem_try_alloc(room * sizeof(Rank))
    cdef Rank* merged = <Rank*>mem_try_alloc(room * sizeof(Rank))
    cdef bint enough = items != NULL and ranks != NULL and merged != NULL
    cdef const Rank* first
    cdef int64_t i
    if enough:
        first = first_ranks(s, wanted, room, ranks, merged)
        for i in range(wanted):
            items[i] = s.items[first[i].index]
        mem_free(s.items)
        s.items = items
    else:
        mem_free(items)
    mem_free(ranks)
    mem_free(merged)
    return enough


cdef void reverse(Sorting* s) noexcept nogil:
    cdef int64_t i
    cdef Item item
    for i in range(s.length // 2):
        item = s.items[i]
        s.items[i] = s.items[s.length - 1 - i]
        s.items[s.length - 1 - i] = item


# Results


cdef void window(const Sorting* s, int64_t* first, int64_t* last) noexcept nogil:
    """The range of items that LIMIT leaves; empty when *last < *first."""
    cdef const SortRequest* o = &s.options
    first[0] = 0 if o.offset < 0 else o.offset
    if first[0] > s.length:
        first[0] = s.length
    last[0] = s.length - 1
    if o.count >= 0 and o.count < s.length - first[0]:
        last[0] = first[0] + o.count - 1


cdef void reply_items(Client* c, const Sorting* s) noexcept nogil:
    cdef int64_t first
    cdef int64_t last
    cdef int64_t i
    cdef int get
    cdef size_t place = c.reply.out.len
    cdef Buf scratch
    cdef Slice value
    window(s, &first, &last)
    reply_array(&c.reply, (last - first + 1) * (s.options.gets if s.options.gets else 1))
    buf_init(&scratch)
    for i in range(first, last + 1):
        if s.options.gets == 0:
            reply_bulk(&c.reply, s.items[i].element)
            continue
        for get in range(s.options.gets):
            if look_up(c, s.gets[get], s.items[i].element, &scratch, &value):
                reply_bulk(&c.reply, value)
            else:
                reply_null(&c.reply)
    if scratch.failed:
        reply_cut(&c.reply, place)
        reply_out_of_memory(c)
    buf_free(&scratch)


cdef bint read_gets(Sorting* s, int argc, const Slice* argv) noexcept nogil:
    """Finds the patterns of GET once for all items; False: out of memory."""
    cdef Options options
    cdef int count = 0
    if s.options.gets == 0:
        return True
    s.gets = <Slice*>mem_try_alloc(s.options.gets * sizeof(Slice))
    if s.gets == NULL:
        return False
    options_begin(&options, &SORT_OPTIONS, argc, argv, 2)
    while options.at < argc:
        if arg_option(&options) == SORT_GET:
            s.gets[count] = options.value[0]
            count += 1
    return True


cdef void store_items(Engine* e, Client* c, const Sorting* s) noexcept nogil:
    cdef int64_t first
    cdef int64_t last
    cdef int64_t i
    cdef int64_t stored = 0
    cdef Growth growth
    cdef int get
    cdef Buf scratch
    cdef Slice value
    cdef Entry* result
    window(s, &first, &last)
    if last < first:
        # a key whose time is over goes with "del" too, as long as nobody has noticed
        if delete_key(c.db, s.options.store):
            mutated(c.db, s.options.store, NOTIFY_GENERIC, b"del", 1)
        reply_int(&c.reply, 0)
        return
    result = list_new(s.options.store)
    growth_begin(&growth)
    buf_init(&scratch)
    for i in range(first, last + 1):
        for get in range(s.options.gets if s.options.gets else 1):
            value = s.items[i].element
            if s.options.gets and not look_up(c, s.gets[get], s.items[i].element, &scratch, &value):
                value = slice_of(<const char*>&scratch, 0)
            if scratch.failed or not growth_takes(&growth, value.len + ELEMENT):
                break
            list_make_room(result, &e.settings, 1, &value)
            list_push(result, value, LIST_TAIL)
            stored += 1
    if scratch.failed or growth.failed:
        buf_free(&scratch)
        free_entry(&e.ks, result)
        reply_out_of_memory(c)
        return
    buf_free(&scratch)
    open_for_write(c.db, s.options.store)
    put_over(c.db, result)
    mutated(c.db, s.options.store, NOTIFY_LIST, b"sortstore", stored)
    reply_int(&c.reply, stored)


cdef inline bint is_whole(const Sorting* s) noexcept nogil:
    return not s.failed and not s.arena.failed


cdef bint arrange(Sorting* s, int type) noexcept nogil:
    """Puts the items that LIMIT leaves in the order wanted, once they have their scores; False: out of memory."""
    cdef int64_t first
    cdef int64_t last
    fix_addresses(s)
    if not s.options.unsorted:
        window(s, &first, &last)
        return last < first or put_in_order(s, last + 1)
    if type != TYPE_SET and s.options.descending:
        reverse(s)
    return True


cdef void sort(Engine* e, Client* c, int argc, Slice* argv, const OptionTable* table) noexcept nogil:
    cdef Sorting s
    cdef Entry* entry
    cdef int type
    memset(&s, 0, sizeof(s))
    if not parse(c, argc, argv, table, &s.options):
        return
    entry = lookup_read(c.db, argv[1])
    type = entry_type(entry) if entry != NULL else TYPE_LIST
    if type != TYPE_LIST and type != TYPE_SET and type != TYPE_ZSET:
        reply_wrong_type(c)
        return
    if s.options.unsorted and type == TYPE_SET and s.options.store.ptr != NULL:
        # what is stored must be the same on every replica, and a set has no order of its own
        s.options.unsorted = False
        s.options.alpha = True
        s.options.by = slice_of(NULL, 0)
    if entry != NULL:
        collect(&s, entry)
    if not s.options.unsorted and is_whole(&s) and not weigh(c, &s):
        reply_error(&c.reply, b"ERR One or more scores can't be converted into double")
    elif not is_whole(&s) or not read_gets(&s, argc, argv) or not arrange(&s, type):
        reply_out_of_memory(c)
    elif s.options.store.ptr != NULL:
        store_items(e, c, &s)
    else:
        reply_items(c, &s)
    mem_free(s.gets)
    mem_free(s.items)
    buf_free(&s.arena)


cdef void sort_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]. Sorts by
    merging, in O(N log N) and with a copy of all elements. A set that is stored unsorted is sorted by its bytes, so that replicas agree."""
    sort(e, c, argc, argv, &SORT_OPTIONS)


cdef void sort_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]. Is SORT without STORE."""
    sort(e, c, argc, argv, &SORT_RO_OPTIONS)
