# The tree beside the blocks counts entries, too, so that trimming by length reads no block that it does not change.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memmove
from zippy._core.ground.id_tree cimport (
    IdLeaf, id_leaf_id, id_leaf_number, id_leaf_sum, id_tree_above, id_tree_below, id_tree_cut_before, id_tree_cut_first, id_tree_init,
    id_tree_memory, id_tree_next, id_tree_prev, id_tree_put, id_tree_remove, id_tree_set, stream_id_compare, stream_id_is_zero,
    stream_id_of, stream_id_step, stream_id_step_back
)
from zippy._core.ground.listpack cimport (
    LP_MAX_BYTES, lp_bytes, lp_copy, lp_first, lp_free, lp_last, lp_next, lp_prev, lp_replace_int, lp_text
)
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_good_size, mem_realloc, mem_size
from zippy._core.ground.slice cimport slice_of
from zippy._core.values.entry cimport ENC_STREAM, NO_EXPIRY, TYPE_STREAM, entry_new
from zippy._core.values.stream_block cimport (
    ENTRY_DELETED, ENTRY_SAME_FIELDS, block_add, block_check, block_count_deleted, block_int, block_largest, block_new, block_takes
)
from zippy._core.values.stream_group cimport (
    READ_UNKNOWN, Pending, address_place, addresses_by_name, addresses_with_room, consumer_cut, group_copy, group_free_effort,
    group_free_some, group_memory, group_name, group_new, pending_find, pending_first, pending_remove
)

cdef extern from *:
    int clz "__builtin_clzll"(uint64_t n) noexcept nogil

cdef enum BlockNumber:
    # the numbers of a block in the tree
    ADDRESS = 0
    LIVE = 1                    # entries that are not deleted
    NUMBERS = 2

cdef enum:
    ID_BYTES = 16


cdef Stream* new_stream() noexcept nogil:
    cdef Stream* s = <Stream*>mem_alloc(sizeof(Stream))
    id_tree_init(&s.blocks, <int>NUMBERS)
    s.length = s.entries_added = 0
    s.last_id = s.first_id = s.max_deleted_id = stream_id_of(0, 0)
    s.group_count = 0
    s.groups = NULL
    s.remains = NULL
    return s


cdef Entry* stream_new(Slice key) noexcept nogil:
    return entry_new(key, TYPE_STREAM, ENC_STREAM, new_stream(), NO_EXPIRY)


cdef uint64_t stream_length(const Entry* e) noexcept nogil:
    return stream_of(e).length


cdef bint stream_next_id(const Stream* s, uint64_t now, StreamId* id) noexcept nogil:
    if now > s.last_id.ms:
        id[0] = stream_id_of(now, 0)
        return True
    id[0] = s.last_id
    return stream_id_step(id)


# Appending


cdef inline unsigned char* block_at(const IdCursor* c) noexcept nogil:
    return <unsigned char*>c.numbers[<int>ADDRESS]


cdef void block_moved(Stream* s, IdCursor* c, unsigned char* lp) noexcept nogil:
    """Tells the tree where the block is now."""
    if block_at(c) != lp:
        id_tree_set(&s.blocks, c, ADDRESS, <uint64_t>lp)


cdef void close_block(Stream* s, IdCursor* last) noexcept nogil:
    """Gives back what a block that is to have no more entries does not need."""
    cdef unsigned char* lp = block_at(last)
    if mem_good_size(lp_bytes(lp)) < mem_size(lp):
        block_moved(s, last, <unsigned char*>mem_realloc(lp, lp_bytes(lp)))


cdef bint last_block(const Stream* s, IdCursor* c) noexcept nogil:
    c.leaf = s.blocks.last
    if c.leaf == NULL:
        return False
    c.at = c.leaf.count - 1
    c.id = id_leaf_id(c.leaf, c.at)
    c.numbers[<int>ADDRESS] = id_leaf_number(c.leaf, c.at, ADDRESS)
    c.numbers[<int>LIVE] = id_leaf_number(c.leaf, c.at, LIVE)
    return True


cdef void add_to_block(Stream* s, IdCursor* c, StreamId id, int pairs, const Slice* elements, size_t most) noexcept nogil:
    """Appends an entry to the block at the cursor."""
    block_moved(s, c, block_add(block_at(c), c.id, id, pairs, elements, most))
    id_tree_set(&s.blocks, c, LIVE, c.numbers[<int>LIVE] + 1)


cdef void add_block(Stream* s, StreamId id, unsigned char* lp, uint64_t live) noexcept nogil:
    cdef uint64_t[<int>NUMBERS] numbers = [<uint64_t>lp, live]
    id_tree_put(&s.blocks, id, numbers)


cdef int stream_append(Stream* s, const Settings* settings, StreamId id, int pairs, const Slice* elements) noexcept nogil:
    cdef IdCursor c
    cdef size_t bytes = 0
    cdef size_t most = block_largest(settings)
    cdef int i
    if stream_id_compare(id, s.last_id) <= 0:
        return STREAM_ID_TOO_SMALL
    for i in range(2 * pairs):
        bytes += elements[i].len
    if bytes > LP_MAX_BYTES:
        return STREAM_TOO_LARGE
    if last_block(s, &c) and block_takes(block_at(&c), bytes, settings):
        add_to_block(s, &c, id, pairs, elements, most)
    else:
        if c.leaf != NULL:
            close_block(s, &c)
        add_block(s, id, block_new(id, pairs, elements, most), 1)
    s.length += 1
    s.entries_added += 1
    s.last_id = id
    if s.length == 1:
        s.first_id = id
    return STREAM_OK


cdef bint stream_take_block(Stream* s, StreamId id, unsigned char* lp) noexcept nogil:
    cdef StreamId last
    cdef uint64_t live
    if stream_id_compare(id, s.last_id) <= 0 or not block_check(lp, id, &live, &last):
        return False
    add_block(s, id, lp, live)
    s.length += live
    s.last_id = last
    return True


cdef void stream_loaded(Stream* s, StreamId last_id, uint64_t entries_added, StreamId max_deleted_id) noexcept nogil:
    s.last_id = last_id
    s.entries_added = max(entries_added, s.length)
    s.max_deleted_id = max_deleted_id
    find_first(s)


cdef StreamGroup* stream_append_group(Stream* s, Slice name) noexcept nogil:
    add_group(s, group_new(name), s.group_count)
    return s.groups[s.group_count - 1]


cdef bint stream_sort_groups(Stream* s) noexcept nogil:
    return addresses_by_name(<void**>s.groups, s.group_count, name_of_group)


cdef Slice name_of_group(const void* g) noexcept nogil:
    return group_name(<const StreamGroup*>g)


# Iterating


cdef void stream_iter(StreamIter* it, Stream* s, StreamId start, StreamId end, bint backwards) noexcept nogil:
    cdef bint found
    it.stream = s
    it.start = start
    it.end = end
    it.backwards = backwards
    it.fields = 0
    it.lp = NULL
    it.entry = NULL
    # an entry is in the last block whose id is not above it
    found = id_tree_below(&s.blocks, end if backwards else start, &it.block)
    if not found and not backwards:
        id_tree_above(&s.blocks, start, &it.block)


cdef void enter_block(StreamIter* it) noexcept nogil:
    """Stands before the first entry of the block at the cursor, or behind the last one."""
    cdef unsigned char* p
    cdef uint64_t _
    it.lp = block_at(&it.block)
    p = lp_next(it.lp, lp_next(it.lp, lp_first(it.lp)))
    it.master_fields = <uint64_t>block_int(p)
    p = lp_next(it.lp, p)
    it.master = p
    if it.backwards:
        it.ahead = lp_last(it.lp)
        return
    for _ in range(it.master_fields + 1):
        p = lp_next(it.lp, p)
    it.ahead = p


cdef void leave_entry(StreamIter* it) noexcept nogil:
    """Goes over what was not read of the entry at hand, to the next one."""
    cdef uint64_t _
    for _ in range(it.fields if it.same_fields else 2 * it.fields):
        it.p = lp_next(it.lp, it.p)
    it.ahead = lp_next(it.lp, it.p)


cdef inline int open_entry(StreamIter* it) noexcept nogil:
    """Reads the head of the entry that begins at it.entry; its flags."""
    cdef unsigned char* p = it.entry
    cdef int flags = <int>block_int(p)
    p = lp_next(it.lp, p)
    it.id.ms = it.block.id.ms + <uint64_t>block_int(p)
    p = lp_next(it.lp, p)
    it.id.seq = it.block.id.seq + <uint64_t>block_int(p)
    p = lp_next(it.lp, p)
    it.same_fields = flags & ENTRY_SAME_FIELDS
    it.fields = it.master_fields
    it.field = it.master
    if not it.same_fields:
        it.fields = <uint64_t>block_int(p)
        p = lp_next(it.lp, p)
    it.p = p
    return flags


cdef bint step(StreamIter* it, int* flags) noexcept nogil:
    """The next entry of the block, deleted ones too; False: there is none."""
    cdef int64_t i
    cdef unsigned char* p
    if it.backwards:
        p = it.ahead
        i = block_int(p)
        # the 0 at the end of the master entry
        if i == 0:
            return False
        while i:
            p = lp_prev(it.lp, p)
            i -= 1
        it.entry = p
        it.ahead = lp_prev(it.lp, p)
        flags[0] = open_entry(it)
        return True
    if it.ahead == NULL:
        return False
    it.entry = it.ahead
    flags[0] = open_entry(it)
    return True


cdef bint stream_iter_next(StreamIter* it) noexcept nogil:
    cdef int flags
    if it.lp != NULL and not it.backwards and it.entry != NULL:
        leave_entry(it)
    while it.block.leaf != NULL:
        if it.lp == NULL:
            enter_block(it)
        while step(it, &flags):
            if stream_id_compare(it.id, it.start) < 0:
                if it.backwards:
                    return end_iter(it)
            elif stream_id_compare(it.id, it.end) > 0:
                if not it.backwards:
                    return end_iter(it)
            elif not flags & ENTRY_DELETED:
                return True
            if not it.backwards:
                leave_entry(it)
        it.lp = NULL
        if not (id_tree_prev(&it.block) if it.backwards else id_tree_next(&it.block)):
            return end_iter(it)
    return end_iter(it)


cdef bint end_iter(StreamIter* it) noexcept nogil:
    it.block.leaf = NULL
    it.lp = NULL
    it.fields = 0
    return False


cdef void stream_iter_field(StreamIter* it, Slice* field, Slice* value) noexcept nogil:
    if it.same_fields:
        field[0] = lp_text(it.field, it.field_text)
        it.field = lp_next(it.lp, it.field)
    else:
        field[0] = lp_text(it.p, it.field_text)
        it.p = lp_next(it.lp, it.p)
    value[0] = lp_text(it.p, it.value_text)
    it.p = lp_next(it.lp, it.p)
    it.fields -= 1


cdef bint stream_has(Stream* s, StreamId id) noexcept nogil:
    cdef StreamIter it
    stream_iter(&it, s, id, id, False)
    return stream_iter_next(&it)


cdef bint stream_last_entry(Stream* s, StreamId* id) noexcept nogil:
    cdef StreamIter it
    stream_iter(&it, s, stream_id_of(0, 0), stream_id_of(UINT64_MAX, UINT64_MAX), True)
    if not stream_iter_next(&it):
        return False
    id[0] = it.id
    return True


cdef void find_first(Stream* s) noexcept nogil:
    cdef StreamIter it
    stream_iter(&it, s, stream_id_of(0, 0), stream_id_of(UINT64_MAX, UINT64_MAX), False)
    s.first_id = it.id if s.length and stream_iter_next(&it) else stream_id_of(0, 0)


# Deleting


cdef void drop_block(Stream* s, IdCursor* c) noexcept nogil:
    """Frees a block whose entries are all gone; the cursor stands at the one that follows, or NULL."""
    cdef StreamId id = c.id
    lp_free(block_at(c))
    id_tree_remove(&s.blocks, id)
    id_tree_above(&s.blocks, id, c)


cdef void forget_block(StreamIter* it) noexcept nogil:
    """Drops the block that the iterator is in, whose last entry is deleted; it goes on with the next one."""
    cdef StreamId id = it.block.id
    drop_block(it.stream, &it.block)
    if it.backwards:
        id_tree_below(&it.stream.blocks, id, &it.block)
    it.lp = NULL


cdef void delete_at_hand(StreamIter* it, bint keep_block=False) noexcept nogil:
    """Deletes the entry at hand, first_id and max_deleted_id apart; and its block with the last one, unless that is to be kept."""
    cdef Stream* s = it.stream
    cdef size_t from_end
    cdef unsigned char* lp
    if not it.backwards:
        leave_entry(it)
    it.fields = 0
    s.length -= 1
    if it.block.numbers[<int>LIVE] == 1 and not keep_block:
        forget_block(it)
        it.entry = NULL
        return
    lp = lp_replace_int(it.lp, &it.entry, block_int(it.entry) | ENTRY_DELETED)
    # the numbers at the head may take more bytes or fewer then, or the block may move
    from_end = lp_bytes(lp) - (it.ahead - lp) if it.ahead != NULL else 0
    lp = block_count_deleted(lp)
    it.ahead = lp + lp_bytes(lp) - from_end if from_end else NULL
    block_moved(s, &it.block, lp)
    id_tree_set(&s.blocks, &it.block, LIVE, it.block.numbers[<int>LIVE] - 1)
    reenter_block(it)


cdef void reenter_block(StreamIter* it) noexcept nogil:
    """Finds the master entry of the block anew, which has changed."""
    cdef unsigned char* ahead = it.ahead
    enter_block(it)
    it.ahead = ahead
    it.entry = NULL


cdef void entry_is_deleted(Stream* s, StreamId id) noexcept nogil:
    """What the stream remembers of an entry that was deleted by its id."""
    if stream_id_compare(id, s.max_deleted_id) > 0:
        s.max_deleted_id = id
    if stream_id_compare(id, s.first_id) == 0:
        find_first(s)


cdef void stream_iter_delete(StreamIter* it) noexcept nogil:
    cdef StreamId id = it.id
    delete_at_hand(it)
    entry_is_deleted(it.stream, id)


cdef int stream_delete(Stream* s, StreamId id, int references) noexcept nogil:
    cdef StreamIter it
    # references are asked about and dropped even where the entry itself is gone, as Redis 8.2 does
    if references == ACKED_ONLY and stream_is_referenced(s, id):
        return DELETED_NOT_ACKED
    if references == DELETE_REFERENCES:
        stream_drop_references(s, id)
    stream_iter(&it, s, id, id, False)
    if not stream_iter_next(&it):
        return DELETED_NOT_FOUND
    stream_iter_delete(&it)
    return DELETED


cdef void stream_set_id(Stream* s, StreamId last_id, int64_t entries_added, const StreamId* max_deleted_id) noexcept nogil:
    s.last_id = last_id
    if entries_added >= 0:
        s.entries_added = <uint64_t>entries_added
    if max_deleted_id != NULL and not stream_id_is_zero(max_deleted_id[0]):
        s.max_deleted_id = max_deleted_id[0]


# Trimming


cdef Stream* remains_of(Stream* s) noexcept nogil:
    if s.remains == NULL:
        s.remains = new_stream()
    return s.remains


cdef struct Cut:
    # a trim of whole blocks under way
    const StreamTrim* trim
    uint64_t removed            # entries of the blocks that are to go
    bint bounded
    StreamId bound              # the first id that is referred to where references matter: blocks below it are as in a trim that keeps them


cdef void begin_cut(Cut* cut, Stream* s, const StreamTrim* trim) noexcept nogil:
    cdef StreamId id
    cdef uint32_t i
    cut.trim = trim
    cut.removed = 0
    cut.bounded = False
    if trim.references == KEEP_REFERENCES:
        return
    for i in range(s.group_count):
        if pending_first(s.groups[i], &id):
            bound_cut(cut, id)
        if trim.references == ACKED_ONLY:
            id = s.groups[i].last_id
            if stream_id_step(&id):
                bound_cut(cut, id)


cdef void bound_cut(Cut* cut, StreamId id) noexcept nogil:
    if not cut.bounded or stream_id_compare(id, cut.bound) < 0:
        cut.bound = id
        cut.bounded = True


cdef inline bint needs_last(const Cut* cut) noexcept nogil:
    """Whether is_cut looks at the last id."""
    return cut.bounded or cut.trim.by == TRIM_BY_ID


cdef bint is_cut(const Stream* s, const Cut* cut, uint64_t live, StreamId last) noexcept nogil:
    """Whether further blocks go as a whole, which hold so many entries, and none behind this id."""
    cdef const StreamTrim* trim = cut.trim
    cdef uint64_t length = s.length - cut.removed
    if trim.approximate and trim.limit and cut.removed + live > trim.limit:
        return False
    if cut.bounded and stream_id_compare(last, cut.bound) >= 0:
        return False
    if trim.by == TRIM_BY_LENGTH:
        return length > trim.length and length - live >= trim.length
    return stream_id_compare(last, trim.id) < 0


cdef StreamId last_of_block(Stream* s, IdCursor* c) noexcept nogil:
    """The id of a block's last entry, deleted or not."""
    cdef StreamIter it
    cdef int flags
    it.stream = s
    it.backwards = True
    it.block = c[0]
    enter_block(&it)
    step(&it, &flags)
    return it.id


cdef bint first_block_is_cut(Stream* s, const Cut* cut, IdCursor* c) noexcept nogil:
    """Whether the first block goes as a whole."""
    if not id_tree_above(&s.blocks, stream_id_of(0, 0), c):
        return False
    return is_cut(s, cut, c.numbers[<int>LIVE], last_of_block(s, c) if needs_last(cut) else s.last_id)


cdef void cut_whole_leaves(Stream* s, Cut* cut) noexcept nogil:
    """Cuts off the leaves of the tree all of whose blocks go: each is looked at, none moved."""
    cdef IdLeaf* leaf = s.blocks.first
    cdef uint64_t blocks = 0
    cdef uint64_t live
    cdef StreamId last
    # which id the last leaf ends with shows in its last block alone
    while leaf != NULL and leaf.next != NULL:
        live = id_leaf_sum(leaf, LIVE)
        last = id_leaf_id(leaf.next, 0)
        stream_id_step_back(&last)
        if not is_cut(s, cut, live, last):
            break
        cut.removed += live
        blocks += leaf.count
        leaf = leaf.next
    if blocks:
        id_tree_cut_before(&s.blocks, leaf, blocks, &remains_of(s).blocks)


cdef void cut_all(Stream* s, Cut* cut) noexcept nogil:
    """Cuts off all blocks, however many, at once."""
    cdef IdTree* cut_blocks = &remains_of(s).blocks
    cdef uint64_t changes = s.blocks.changes + 1
    cut_blocks[0] = s.blocks
    id_tree_init(&s.blocks, cut_blocks.numbers)
    s.blocks.changes = changes
    cut.removed = s.length


cdef uint64_t trim_blocks(Stream* s, const StreamTrim* trim) noexcept nogil:
    """Cuts off whole blocks: how many entries they held."""
    cdef Cut cut
    cdef IdCursor c
    begin_cut(&cut, s, trim)
    if s.length and is_cut(s, &cut, s.length, s.last_id):
        cut_all(s, &cut)
    else:
        cut_whole_leaves(s, &cut)
    while first_block_is_cut(s, &cut, &c):
        id_tree_put(&remains_of(s).blocks, c.id, c.numbers)
        id_tree_remove(&s.blocks, c.id)
        cut.removed += c.numbers[<int>LIVE]
    s.length -= cut.removed
    return cut.removed


cdef bint keeps_block(StreamIter* it, const StreamTrim* trim) noexcept nogil:
    """Whether the block of the entry at hand stays when that is trimmed: others are live, or by id, its last entry is not below."""
    if it.block.numbers[<int>LIVE] > 1:
        return True
    return trim.by == TRIM_BY_ID and stream_id_compare(last_of_block(it.stream, &it.block), trim.id) >= 0


cdef inline bint is_enough(const Stream* s, const StreamTrim* trim) noexcept nogil:
    return trim.by == TRIM_BY_LENGTH and s.length <= trim.length


cdef uint64_t trim_block(Stream* s, const StreamTrim* trim, StreamId first, StreamId last) noexcept nogil:
    """Deletes entries of one block, as their groups allow it: how many. The block goes with its last entry, unless keeps_block."""
    cdef uint64_t removed = 0
    cdef StreamIter it
    cdef StreamId id
    stream_iter(&it, s, first, last, False)
    while not is_enough(s, trim) and stream_iter_next(&it):
        id = it.id
        if trim.by == TRIM_BY_ID and stream_id_compare(id, trim.id) >= 0:
            break
        if trim.references == ACKED_ONLY and stream_is_referenced(s, id):
            continue
        delete_at_hand(&it, keeps_block(&it, trim))
        removed += 1
        if trim.references == DELETE_REFERENCES:
            stream_drop_references(s, id)
    return removed


cdef uint64_t trim_entries(Stream* s, const StreamTrim* trim) noexcept nogil:
    """Deletes entries one by one, and the blocks on the way that have none."""
    cdef uint64_t removed = 0
    cdef StreamId last
    cdef IdCursor c
    cdef bint more = id_tree_above(&s.blocks, stream_id_of(0, 0), &c)
    while more and not is_enough(s, trim):
        last = last_of_block(s, &c)
        if c.numbers[<int>LIVE]:
            removed += trim_block(s, trim, c.id, last)
        elif trim.by == TRIM_BY_LENGTH or stream_id_compare(last, trim.id) < 0:
            drop_block(s, &c)
        if trim.by == TRIM_BY_ID and stream_id_compare(last, trim.id) >= 0:
            break
        more = stream_id_step(&last) and id_tree_above(&s.blocks, last, &c)
    return removed


cdef uint64_t stream_trim(Stream* s, const StreamTrim* trim) noexcept nogil:
    cdef uint64_t removed = 0
    # Redis 8.2 removes nothing approximately where references matter
    if trim.approximate and trim.references != KEEP_REFERENCES:
        return 0
    removed = trim_blocks(s, trim)
    if not trim.approximate:
        removed += trim_entries(s, trim)
    if removed:
        find_first(s)
    return removed


cdef Entry* stream_take_remains(Stream* s) noexcept nogil:
    cdef Stream* remains = s.remains
    s.remains = NULL
    return entry_new(slice_of(NULL, 0), TYPE_STREAM, ENC_STREAM, remains, NO_EXPIRY) if remains != NULL else NULL


# Groups


cdef inline uint32_t group_place(const Stream* s, Slice name, bint* found) noexcept nogil:
    """Where the group of this name is in the list, or would be."""
    return address_place(<void**>s.groups, s.group_count, name, name_of_group, found)


cdef StreamGroup* stream_group(const Stream* s, Slice name) noexcept nogil:
    cdef bint found
    cdef uint32_t at = group_place(s, name, &found)
    return s.groups[at] if found else NULL


cdef void add_group(Stream* s, StreamGroup* g, uint32_t at) noexcept nogil:
    s.groups = <StreamGroup**>addresses_with_room(s.groups, s.group_count)
    memmove(&s.groups[at + 1], &s.groups[at], (s.group_count - at) * sizeof(void*))
    s.groups[at] = g
    s.group_count += 1


cdef StreamGroup* stream_group_create(Stream* s, Slice name, StreamId last_id, int64_t entries_read) noexcept nogil:
    cdef bint found
    cdef uint32_t at = group_place(s, name, &found)
    if found:
        return NULL
    add_group(s, group_new(name), at)
    stream_group_set_id(s, s.groups[at], last_id, entries_read)
    return s.groups[at]


cdef void stream_group_set_id(const Stream* s, StreamGroup* g, StreamId last_id, int64_t entries_read) noexcept nogil:
    g.last_id = last_id
    g.entries_read = entries_read
    # the count of all that were added goes on beyond what a signed number holds
    if entries_read > 0 and <uint64_t>entries_read > s.entries_added:
        g.entries_read = <int64_t>s.entries_added


cdef void add_to_remains(Stream* s, StreamGroup* g) noexcept nogil:
    # in no order there: nobody looks for it any more
    add_group(remains_of(s), g, remains_of(s).group_count)


cdef void stream_group_delete(Stream* s, StreamGroup* g) noexcept nogil:
    cdef bint found
    cdef uint32_t at = group_place(s, group_name(g), &found)
    s.group_count -= 1
    memmove(&s.groups[at], &s.groups[at + 1], (s.group_count - at) * sizeof(void*))
    add_to_remains(s, g)


cdef uint64_t stream_consumer_delete(Stream* s, StreamGroup* g, StreamConsumer* c) noexcept nogil:
    cdef uint64_t pending = c.pending.count
    add_to_remains(s, consumer_cut(g, c))
    return pending


cdef bint has_tombstones_from(const Stream* s, StreamId id) noexcept nogil:
    """Whether an entry of this id or above was deleted by its id."""
    return s.length and not stream_id_is_zero(s.max_deleted_id) and stream_id_compare(id, s.max_deleted_id) <= 0


cdef int64_t stream_entries_up_to(const Stream* s, StreamId id) noexcept nogil:
    cdef int to_last = stream_id_compare(id, s.last_id)
    cdef int to_first = stream_id_compare(id, s.first_id)
    if s.entries_added == 0:
        return 0
    if s.length == 0 and to_last < 1:
        return <int64_t>s.entries_added
    if not stream_id_is_zero(id) and stream_id_compare(id, s.max_deleted_id) < 0:
        return READ_UNKNOWN
    if to_last == 0:
        return <int64_t>s.entries_added
    if to_last > 0:
        return READ_UNKNOWN
    # entries were deleted before the first one alone
    if stream_id_is_zero(s.max_deleted_id) or stream_id_compare(s.max_deleted_id, s.first_id) < 0:
        if to_first < 0:
            return <int64_t>(s.entries_added - s.length)
        if to_first == 0:
            return <int64_t>(s.entries_added - s.length + 1)
    return READ_UNKNOWN


cdef void stream_group_advance(const Stream* s, StreamGroup* g, StreamId id) noexcept nogil:
    if (g.entries_read != READ_UNKNOWN and stream_id_compare(g.last_id, s.first_id) >= 0
            and not has_tombstones_from(s, g.last_id)):
        g.entries_read += 1
    elif s.entries_added:
        g.entries_read = stream_entries_up_to(s, id)
    g.last_id = id


cdef bint stream_group_lag(const Stream* s, const StreamGroup* g, int64_t* lag) noexcept nogil:
    cdef int64_t read = g.entries_read
    lag[0] = 0
    if s.entries_added == 0 or s.length == 0:
        return True
    if stream_id_compare(g.last_id, s.first_id) < 0 and stream_id_compare(s.max_deleted_id, s.first_id) < 0:
        lag[0] = <int64_t>s.length
        return True
    if read == READ_UNKNOWN or has_tombstones_from(s, g.last_id):
        read = stream_entries_up_to(s, g.last_id)
    lag[0] = <int64_t>s.entries_added - read
    return read != READ_UNKNOWN


cdef bint stream_is_referenced(const Stream* s, StreamId id) noexcept nogil:
    cdef Pending p
    cdef uint32_t i
    for i in range(s.group_count):
        if stream_id_compare(s.groups[i].last_id, id) < 0 or pending_find(s.groups[i], id, &p):
            return True
    return False


cdef void stream_drop_references(Stream* s, StreamId id) noexcept nogil:
    cdef uint32_t i
    for i in range(s.group_count):
        pending_remove(s.groups[i], id)


# The tree that Redis would have


cdef uint64_t stream_blocks(const Stream* s) noexcept nogil:
    return s.blocks.count


cdef inline int common_bytes(StreamId a, StreamId b) noexcept nogil:
    """How many bytes two different ids have in common at their start, the highest byte first."""
    return clz(a.ms ^ b.ms) // 8 if a.ms != b.ms else 8 + clz(a.seq ^ b.seq) // 8


cdef uint64_t stream_radix_nodes(const Stream* s) noexcept nogil:
    """A node for each id's end, one for each place where ids part, and one for what an id has between two of them in the way down."""
    cdef int[ID_BYTES] parts            # the depths of the partings above the last id, ascending
    cdef int depth = 0
    cdef uint64_t nodes = 1
    cdef IdCursor c
    cdef StreamId last
    cdef int common
    cdef int above                      # the depth below the nearest parting above a node
    cdef int before = 0                 # below the parting that the last id shares with the one before it
    cdef bint more = id_tree_above(&s.blocks, stream_id_of(0, 0), &c)
    if not more:
        return 1
    last = c.id
    while True:
        more = id_tree_next(&c)
        common = common_bytes(last, c.id) if more else -1
        # the end of the last id
        above = max(before, common + 1)
        nodes += above < ID_BYTES
        while depth and parts[depth - 1] > common:
            depth -= 1
            above = max(parts[depth - 1] + 1 if depth else 0, common + 1)
            nodes += 1 + (parts[depth] > above)
        if not more:
            return nodes
        if depth == 0 or parts[depth - 1] < common:
            parts[depth] = common
            depth += 1
        nodes += 1
        before = common + 1
        last = c.id


# For the row


cdef void free_struct(Stream* s) noexcept nogil:
    """Frees what is left of a stream without blocks, groups and remains."""
    mem_free(s.groups)
    mem_free(s)


cdef void free_stream(Stream* s) noexcept nogil:
    cdef uint64_t all = UINT64_MAX
    free_stream_some(s, &all)


cdef void stream_free(Entry* e) noexcept nogil:
    free_stream(stream_of(e))


cdef void free_blocks(IdTree* t, uint64_t* items) noexcept nogil:
    """Frees blocks for as long as `items` is above 0, which each counts down."""
    cdef IdLeaf* leaf = t.first
    while items[0] and leaf != NULL:
        while items[0] and leaf.count:
            leaf.count -= 1
            t.count -= 1
            lp_free(<unsigned char*>id_leaf_number(leaf, leaf.count, ADDRESS))
            items[0] -= 1
        if leaf.count == 0:
            mem_free(id_tree_cut_first(t))
            leaf = t.first


cdef bint free_stream_some(Stream* s, uint64_t* items) noexcept nogil:
    """Frees about so many blocks, and counts them off; True: all is gone."""
    free_blocks(&s.blocks, items)
    while items[0] and s.group_count and group_free_some(s.groups[s.group_count - 1], items):
        s.group_count -= 1
    if items[0] and s.remains != NULL and free_stream_some(s.remains, items):
        s.remains = NULL
    if s.blocks.root != NULL or s.group_count or s.remains != NULL:
        return False
    free_struct(s)
    return True


cdef bint stream_free_some(Entry* e, uint64_t items) noexcept nogil:
    return free_stream_some(stream_of(e), &items)


cdef uint64_t stream_free_effort(const Entry* e) noexcept nogil:
    cdef const Stream* s = stream_of(e)
    cdef uint64_t effort = 1 + s.blocks.count
    cdef uint32_t i
    for i in range(s.group_count):
        effort += group_free_effort(s.groups[i])
    return effort


cdef Entry* stream_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef const Stream* s = stream_of(e)
    cdef Stream* copy = new_stream()
    cdef IdCursor c
    cdef bint more = id_tree_above(&s.blocks, stream_id_of(0, 0), &c)
    cdef uint32_t i
    while more:
        c.numbers[<int>ADDRESS] = <uint64_t>lp_copy(block_at(&c))
        id_tree_put(&copy.blocks, c.id, c.numbers)
        more = id_tree_next(&c)
    copy.length = s.length
    copy.last_id = s.last_id
    copy.first_id = s.first_id
    copy.max_deleted_id = s.max_deleted_id
    copy.entries_added = s.entries_added
    for i in range(s.group_count):
        add_group(copy, group_copy(s.groups[i]), i)
    return entry_new(key, TYPE_STREAM, ENC_STREAM, copy, expiry)


cdef size_t stream_memory(Entry* e, uint64_t samples) noexcept nogil:
    cdef const Stream* s = stream_of(e)
    cdef size_t total = mem_size(s) + id_tree_memory(&s.blocks, samples)
    cdef size_t blocks = 0
    cdef uint64_t seen = 0
    cdef IdCursor c
    cdef bint more = id_tree_above(&s.blocks, stream_id_of(0, 0), &c)
    cdef uint32_t i
    while more and (samples == 0 or seen < samples):
        blocks += mem_size(block_at(&c))
        seen += 1
        more = id_tree_next(&c)
    total += <size_t>(<double>blocks / seen * s.blocks.count) if more else blocks
    if s.groups != NULL:
        total += mem_size(s.groups)
    for i in range(s.group_count):
        total += group_memory(s.groups[i], samples)
    return total
