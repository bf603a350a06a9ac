"""A listpack's score is read from its text at each comparison, which costs less than the memory of eight bytes a score would.

Ranges are answered as ranks, for both encodings: counting, reading with an offset, reading backwards and removing are then the same for
ranges of ranks, scores and members.
"""

from libc.math cimport isnan
from zippy._core.ground.buf cimport slice_compare, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    ht_find, ht_find_hashed, ht_free, ht_init, ht_insert, ht_memory, ht_random, ht_remove, ht_remove_hashed, ht_reserve
)
from zippy._core.ground.listpack cimport (
    LP_AFTER, LP_BEFORE, LP_MAX_BYTES, LpItem, lp_append, lp_copy, lp_delete_range, lp_delete_range_at, lp_find, lp_first, lp_fits,
    lp_free, lp_get, lp_insert, lp_length, lp_new, lp_next, lp_places, lp_prev, lp_replace, lp_seek, lp_text
)
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_read_double, num_write_double, num_write_i64
from zippy._core.ground.ordered_item cimport OtItem, ot_item_free, ot_item_memory, ot_item_new, ot_key_of, ot_member
from zippy._core.ground.ordered_tree cimport (
    ot_append, ot_free, ot_init, ot_insert, ot_lex_above_min, ot_lex_below_max, ot_lex_span, ot_next, ot_order, ot_prev, ot_rank,
    ot_remove, ot_remove_ranks, ot_rescore, ot_score_above_min, ot_score_below_max, ot_score_span, ot_seek, ot_seek_score
)
from zippy._core.ground.random cimport random_below
from zippy._core.values.entry cimport (
    ENC_LISTPACK, ENC_SKIPLIST, NO_EXPIRY, TYPE_ZSET, entry_encoding, entry_key, entry_new, entry_pointer, entry_set_encoding, entry_value
)

cdef enum:
    PAIR_OVERHEAD = NUM_DOUBLE_TEXT + 32    # bytes that a pair takes in a listpack beside its member, at most
    LEAVE_FEW = 2           # where so many times fewer members stay than are removed, to copy them costs less than to remove the others


cdef inline bint is_listpack(const Entry* e) noexcept nogil:
    return entry_encoding(e) == ENC_LISTPACK


cdef inline unsigned char* listpack_of(const Entry* e) noexcept nogil:
    return <unsigned char*>entry_value(e)


cdef inline ZSet* zset_of(const Entry* e) noexcept nogil:
    return <ZSet*>entry_value(e)


cdef Entry* zset_new(Slice key) noexcept nogil:
    return entry_new(key, TYPE_ZSET, ENC_LISTPACK, lp_new(0), NO_EXPIRY)


cdef Entry* zset_new_tree(Slice key, uint64_t members) noexcept nogil:
    cdef ZSet* z = table_new()
    ht_reserve(&z.members, members)
    return entry_new(key, TYPE_ZSET, ENC_SKIPLIST, z, NO_EXPIRY)


cdef uint64_t zset_length(const Entry* e) noexcept nogil:
    return lp_length(listpack_of(e)) // 2 if is_listpack(e) else zset_of(e).tree.length


cdef bint read_score(const unsigned char* p, double* score) noexcept nogil:
    """The score at p; False: not a number."""
    cdef LpItem item
    lp_get(p, &item)
    if item.ptr != NULL:
        return num_read_double(slice_of(item.ptr, item.len), score)
    score[0] = <double>item.num
    return True


cdef inline double score_at(const unsigned char* p) noexcept nogil:
    cdef double score = 0
    read_score(p, &score)
    return score


cdef Slice score_text(double score, char* scratch) noexcept nogil:
    """As a listpack holds it; scratch has NUM_DOUBLE_TEXT bytes. The sign of a zero is lost, as in Redis."""
    cdef int64_t whole
    if -9.2e18 < score < 9.2e18:
        whole = <int64_t>score
        if <double>whole == score:
            return slice_of(scratch, num_write_i64(scratch, whole))
    return slice_of(scratch, num_write_double(scratch, score))


cdef ZSet* table_new() noexcept nogil:
    cdef ZSet* z = <ZSet*>mem_alloc(sizeof(ZSet))
    ht_init(&z.members, ot_key_of)
    ot_init(&z.tree)
    return z


cdef void table_free(ZSet* z) noexcept nogil:
    ht_free(&z.members)
    ot_free(&z.tree)
    mem_free(z)


cdef inline void table_insert(ZSet* z, Slice member, uint64_t hash, double score) noexcept nogil:
    cdef OtItem* item = ot_item_new(score, member)
    ht_insert(&z.members, item, hash)
    ot_insert(&z.tree, item)


cdef ZSet* table_of_listpack(const unsigned char* lp) noexcept nogil:
    """The same sorted set as a tree; NULL: a member is there twice."""
    cdef ZSet* z = table_new()
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* score
    cdef char[LP_INT_TEXT] scratch
    cdef Slice member
    cdef uint64_t hash
    ht_reserve(&z.members, lp_length(lp) // 2)
    while p != NULL:
        member = lp_text(p, scratch)
        hash = hash_bytes(member.ptr, member.len)
        if ht_find_hashed(&z.members, member, hash) != NULL:
            table_free(z)
            return NULL
        score = lp_next(lp, p)
        table_insert(z, member, hash, score_at(score))
        p = lp_next(lp, score)
    return z


cdef void zset_to_tree(Entry* e) noexcept nogil:
    cdef unsigned char* lp
    if not is_listpack(e):
        return
    lp = listpack_of(e)
    entry_pointer(e)[0] = table_of_listpack(lp)
    entry_set_encoding(e, ENC_SKIPLIST)
    lp_free(lp)


cdef void zset_try_listpack(Entry* e, const Settings* s) noexcept nogil:
    cdef ZSet* z
    cdef ZSetIter it
    cdef unsigned char* lp
    cdef char[NUM_DOUBLE_TEXT] scratch
    cdef size_t size = 0
    if is_listpack(e) or zset_length(e) > <uint64_t>s.zset_max_listpack_entries:
        return
    z = zset_of(e)
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        size += it.member.len + PAIR_OVERHEAD
        if it.member.len > <size_t>s.zset_max_listpack_value or size > LP_MAX_BYTES:
            return
    lp = lp_new(0)
    zset_iter(&it, e, 0, False)
    while zset_iter_next(&it):
        lp = lp_append(lp_append(lp, it.member), score_text(it.score, scratch))
    table_free(z)
    entry_pointer(e)[0] = lp
    entry_set_encoding(e, ENC_LISTPACK)


cdef void zset_make_room(Entry* e, const Settings* s, uint64_t members) noexcept nogil:
    if members > <uint64_t>s.zset_max_listpack_entries:
        zset_to_tree(e)
        ht_reserve(&zset_of(e).members, members)


cdef inline unsigned char* pair_of(const unsigned char* lp, Slice member) noexcept nogil:
    """Where the member is; NULL: absent."""
    cdef unsigned char* p = lp_first(lp)
    return NULL if p == NULL else lp_find(lp, p, member, 1)


cdef bint zset_score(const Entry* e, Slice member, double* score) noexcept nogil:
    cdef unsigned char* p
    cdef OtItem* item
    if is_listpack(e):
        p = pair_of(listpack_of(e), member)
        if p == NULL:
            return False
        score[0] = score_at(lp_next(listpack_of(e), p))
        return True
    item = <OtItem*>ht_find(&zset_of(e).members, member)
    if item == NULL:
        return False
    score[0] = item.score
    return True


cdef unsigned char* insert_pair(unsigned char* lp, Slice member, double score) noexcept nogil:
    """Puts an absent member in its place; the listpack's new address."""
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* at
    cdef char[LP_INT_TEXT] other
    cdef char[NUM_DOUBLE_TEXT] scratch
    cdef Slice text = score_text(score, scratch)
    cdef double present
    while p != NULL:
        at = lp_next(lp, p)
        present = score_at(at)
        if present > score or (present == score and slice_compare(lp_text(p, other), member) > 0):
            lp = lp_insert(lp, member, p, LP_BEFORE, &at)
            return lp_insert(lp, text, at, LP_AFTER, NULL)
        p = lp_next(lp, at)
    return lp_append(lp_append(lp, member), text)


cdef bint stays_in_place(const unsigned char* lp, unsigned char* p, unsigned char* at, Slice member, double score) noexcept nogil:
    """Does the order hold when the pair whose member is at p and whose score is at `at` gets this score?"""
    cdef unsigned char* other = lp_next(lp, at)
    cdef char[LP_INT_TEXT] scratch
    cdef double present
    if other != NULL:
        present = score_at(lp_next(lp, other))
        if present < score or (present == score and slice_compare(lp_text(other, scratch), member) < 0):
            return False
    other = lp_prev(lp, p)
    if other == NULL:
        return True
    present = score_at(other)
    return present < score or (present == score and slice_compare(lp_text(lp_prev(lp, other), scratch), member) < 0)


cdef unsigned char* rescore_pair(unsigned char* lp, unsigned char* p, Slice member, double score) noexcept nogil:
    cdef unsigned char* at = lp_next(lp, p)
    cdef char[NUM_DOUBLE_TEXT] scratch
    if stays_in_place(lp, p, at, member, score):
        return lp_replace(lp, &at, score_text(score, scratch))
    return insert_pair(lp_delete_range_at(lp, &p, 2), member, score)


cdef int decide(bint exists, double present, double* score, int flags) noexcept nogil:
    """What is to be done with a member; *score becomes the score it is to have. ZSET_UPDATED: it has to be changed."""
    if not exists:
        return ZSET_UNTOUCHED if flags & ZSET_XX else ZSET_ADDED
    if flags & ZSET_NX:
        return ZSET_UNTOUCHED
    if flags & ZSET_INCR:
        score[0] += present
        if isnan(score[0]):
            return ZSET_NAN
    if (flags & ZSET_GT and score[0] <= present) or (flags & ZSET_LT and score[0] >= present):
        return ZSET_UNTOUCHED
    return ZSET_SAME if score[0] == present and not flags & ZSET_EXACTLY else ZSET_UPDATED


cdef inline bint fits_listpack(const Entry* e, const Settings* s, Slice member) noexcept nogil:
    return (
        <int64_t>zset_length(e) < s.zset_max_listpack_entries
        and member.len <= <size_t>s.zset_max_listpack_value
        and lp_fits(listpack_of(e), member.len + PAIR_OVERHEAD)
    )


cdef int zset_add(Entry* e, const Settings* s, Slice member, double* score, int flags) noexcept nogil:
    cdef unsigned char* lp
    cdef unsigned char* p
    cdef int outcome
    if not is_listpack(e):
        return table_add(zset_of(e), member, score, flags)
    lp = listpack_of(e)
    p = pair_of(lp, member)
    outcome = decide(p != NULL, score_at(lp_next(lp, p)) if p != NULL else 0, score, flags)
    if outcome == ZSET_UPDATED:
        entry_pointer(e)[0] = rescore_pair(lp, p, member, score[0])
    elif outcome == ZSET_ADDED:
        if not fits_listpack(e, s, member):
            zset_to_tree(e)
            return table_add(zset_of(e), member, score, flags)
        entry_pointer(e)[0] = insert_pair(lp, member, score[0])
    return outcome


cdef int table_add(ZSet* z, Slice member, double* score, int flags) noexcept nogil:
    cdef uint64_t hash = hash_bytes(member.ptr, member.len)
    cdef OtItem* item = <OtItem*>ht_find_hashed(&z.members, member, hash)
    cdef int outcome = decide(item != NULL, item.score if item != NULL else 0, score, flags)
    if outcome == ZSET_UPDATED:
        ot_rescore(&z.tree, item, score[0])
    elif outcome == ZSET_ADDED:
        table_insert(z, member, hash, score[0])
    return outcome


cdef double* zset_find_score(Entry* e, Slice member, uint64_t hash) noexcept nogil:
    cdef OtItem* item = <OtItem*>ht_find_hashed(&zset_of(e).members, member, hash)
    return &item.score if item != NULL else NULL


cdef void zset_append(Entry* e, Slice member, uint64_t hash, double score) noexcept nogil:
    cdef OtItem* item = ot_item_new(score, member)
    ht_insert(&zset_of(e).members, item, hash)
    ot_append(&zset_of(e).tree, item)


cdef bint zset_order(Entry* e) noexcept nogil:
    return ot_order(&zset_of(e).tree)


cdef bint zset_remove(Entry* e, Slice member) noexcept nogil:
    cdef unsigned char* p
    cdef OtItem* item
    if is_listpack(e):
        p = pair_of(listpack_of(e), member)
        if p == NULL:
            return False
        entry_pointer(e)[0] = lp_delete_range_at(listpack_of(e), &p, 2)
        return True
    item = <OtItem*>ht_remove(&zset_of(e).members, member)
    if item == NULL:
        return False
    ot_remove(&zset_of(e).tree, item)
    ot_item_free(item)
    return True


cdef void forget_item(void* context, OtItem* item) noexcept nogil:
    cdef Slice member = ot_member(item)
    ht_remove_hashed(&(<ZSet*>context).members, member, hash_bytes(member.ptr, member.len))
    ot_item_free(item)


cdef uint64_t zset_remove_ranks(Entry* e, uint64_t first, uint64_t count) noexcept nogil:
    cdef uint64_t length = zset_length(e)
    if first >= length or count == 0:
        return 0
    if count > length - first:
        count = length - first
    if is_listpack(e):
        entry_pointer(e)[0] = lp_delete_range(listpack_of(e), <long>(2 * first), 2 * count)
    else:
        ot_remove_ranks(&zset_of(e).tree, first, count, forget_item, zset_of(e))
    return count


cdef void copy_ranks(ZSet* z, Entry* e, uint64_t first, uint64_t count) noexcept nogil:
    """Adds members of another sorted set that z lacks."""
    cdef ZSetIter it
    zset_iter(&it, e, first, False)
    while count and zset_iter_next(&it):
        table_insert(z, it.member, hash_bytes(it.member.ptr, it.member.len), it.score)
        count -= 1


cdef Entry* zset_leave_ranks(Entry* e, uint64_t first, uint64_t count) noexcept nogil:
    cdef uint64_t remaining = zset_length(e) - count
    cdef ZSet* z
    cdef Entry* left
    if is_listpack(e) or remaining * LEAVE_FEW > count:
        return NULL
    z = table_new()
    ht_reserve(&z.members, remaining)
    copy_ranks(z, e, 0, first)
    copy_ranks(z, e, first + count, remaining - first)
    left = entry_new(entry_key(e), TYPE_ZSET, ENC_SKIPLIST, zset_of(e), NO_EXPIRY)
    entry_pointer(e)[0] = z
    return left


cdef int64_t zset_rank(const Entry* e, Slice member, double* score) noexcept nogil:
    cdef unsigned char* lp
    cdef unsigned char* p
    cdef OtItem* item
    cdef int64_t rank = 0
    if not is_listpack(e):
        item = <OtItem*>ht_find(&zset_of(e).members, member)
        if item == NULL:
            return -1
        score[0] = item.score
        return <int64_t>ot_rank(&zset_of(e).tree, item)
    lp = listpack_of(e)
    p = pair_of(lp, member)
    if p == NULL:
        return -1
    score[0] = score_at(lp_next(lp, p))
    p = lp_prev(lp, p)
    while p != NULL:
        rank += 1
        p = lp_prev(lp, lp_prev(lp, p))
    return rank


cdef uint64_t zset_score_span(const Entry* e, const OtScoreRange* range, uint64_t* first) noexcept nogil:
    cdef unsigned char* lp
    cdef unsigned char* p
    cdef double score
    cdef uint64_t count = 0
    first[0] = 0
    if not is_listpack(e):
        return ot_score_span(&zset_of(e).tree, range, first)
    lp = listpack_of(e)
    p = lp_first(lp)
    while p != NULL:
        p = lp_next(lp, p)
        score = score_at(p)
        if not ot_score_below_max(score, range):
            break
        if ot_score_above_min(score, range):
            count += 1
        elif count == 0:
            first[0] += 1
        p = lp_next(lp, p)
    return count


cdef uint64_t zset_lex_span(const Entry* e, const OtLexRange* range, uint64_t* first) noexcept nogil:
    cdef unsigned char* lp
    cdef unsigned char* p
    cdef char[LP_INT_TEXT] scratch
    cdef Slice member
    cdef uint64_t count = 0
    first[0] = 0
    if not is_listpack(e):
        return ot_lex_span(&zset_of(e).tree, range, first)
    lp = listpack_of(e)
    p = lp_first(lp)
    while p != NULL:
        member = lp_text(p, scratch)
        if count == 0 and not ot_lex_above_min(member, range):
            first[0] += 1
        elif ot_lex_below_max(member, range):
            count += 1
        else:
            break
        p = lp_next(lp, lp_next(lp, p))
    return count


cdef void zset_iter(ZSetIter* it, Entry* e, uint64_t rank, bint reverse) noexcept nogil:
    it.entry = e
    it.reverse = reverse
    if is_listpack(e):
        it.p = lp_seek(listpack_of(e), <long>(2 * rank)) if rank < zset_length(e) else NULL
    else:
        ot_seek(&zset_of(e).tree, &it.at, rank)


cdef void zset_iter_score(ZSetIter* it, Entry* e, double score) noexcept nogil:
    cdef unsigned char* lp
    cdef unsigned char* at
    it.entry = e
    it.reverse = False
    if not is_listpack(e):
        ot_seek_score(&zset_of(e).tree, &it.at, score)
        return
    lp = listpack_of(e)
    it.p = lp_first(lp)
    while it.p != NULL:
        at = lp_next(lp, it.p)
        if score_at(at) >= score:
            break
        it.p = lp_next(lp, at)


cdef inline void take_item(ZSetIter* it, const OtItem* item) noexcept nogil:
    it.member = ot_member(item)
    it.score = item.score


cdef bint zset_iter_next(ZSetIter* it) noexcept nogil:
    cdef OtItem* item
    cdef unsigned char* lp
    cdef unsigned char* score
    if is_listpack(it.entry):
        if it.p == NULL:
            return False
        lp = listpack_of(it.entry)
        score = lp_next(lp, it.p)
        it.member = lp_text(it.p, it.scratch)
        it.score = score_at(score)
        if it.reverse:
            it.p = lp_prev(lp, it.p)
            it.p = lp_prev(lp, it.p) if it.p != NULL else NULL
        else:
            it.p = lp_next(lp, score)
        return True
    item = ot_prev(&it.at) if it.reverse else ot_next(&it.at)
    if item == NULL:
        return False
    take_item(it, item)
    return True


cdef uint32_t* zset_places(const Entry* e) noexcept nogil:
    return lp_places(listpack_of(e), 2) if is_listpack(e) else NULL


cdef void zset_random(ZSetIter* it, Entry* e, Random* r, const uint32_t* places) noexcept nogil:
    cdef uint64_t index
    if is_listpack(e):
        index = random_below(r, zset_length(e))
        it.entry = e
        it.reverse = False
        it.p = listpack_of(e) + places[index] if places != NULL else lp_seek(listpack_of(e), 2 * <long>index)
        zset_iter_next(it)
    else:
        take_item(it, <OtItem*>ht_random(&zset_of(e).members, r))


cdef HashTable* zset_table(const Entry* e) noexcept nogil:
    return NULL if is_listpack(e) else &zset_of(e).members


cdef bint in_order(const unsigned char* lp) noexcept nogil:
    """Are these pairs of a member and a score, in ascending order?"""
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* at
    cdef char[LP_INT_TEXT] scratch
    cdef char[LP_INT_TEXT] scratch_before
    cdef Slice member
    cdef Slice before = slice_of(NULL, 0)
    cdef double score
    cdef double score_before = 0
    while p != NULL:
        at = lp_next(lp, p)
        if at == NULL or not read_score(at, &score):
            return False
        member = lp_text(p, scratch)
        if before.ptr != NULL and (score < score_before or (score == score_before and slice_compare(before, member) >= 0)):
            return False
        before = lp_text(p, scratch_before)
        score_before = score
        p = lp_next(lp, at)
    return True


cdef bint members_differ(const unsigned char* lp) noexcept nogil:
    """Quadratic: for listpacks within the limits."""
    cdef unsigned char* p = lp_first(lp)
    cdef unsigned char* following
    cdef char[LP_INT_TEXT] scratch
    while p != NULL:
        following = lp_next(lp, lp_next(lp, p))
        if following != NULL and lp_find(lp, following, lp_text(p, scratch), 1) != NULL:
            return False
        p = following
    return True


cdef Entry* zset_adopt_listpack(Slice key, unsigned char* lp, const Settings* s, int64_t expiry) noexcept nogil:
    cdef ZSet* z = NULL
    cdef bint small = lp_length(lp) // 2 <= s.zset_max_listpack_entries
    cdef bint valid = in_order(lp)
    if valid and small:
        valid = members_differ(lp)
    elif valid:
        z = table_of_listpack(lp)
        valid = z != NULL
    if valid and small:
        return entry_new(key, TYPE_ZSET, ENC_LISTPACK, lp, expiry)
    lp_free(lp)
    return entry_new(key, TYPE_ZSET, ENC_SKIPLIST, z, expiry) if valid else NULL


cdef void zset_free(Entry* e) noexcept nogil:
    if is_listpack(e):
        lp_free(listpack_of(e))
    else:
        table_free(zset_of(e))


cdef bint zset_free_some(Entry* e, uint64_t items) noexcept nogil:
    cdef uint64_t length = zset_length(e)
    # an item has its places in the table and in the tree to leave, which is four times the work of what only has to be freed
    cdef uint64_t step = items // 4 + 1
    # the table shrinks with the tree, so that no step has all of its buckets to free
    if not is_listpack(e) and length > step:
        zset_remove_ranks(e, length - step, step)
        return False
    zset_free(e)
    return True


cdef uint64_t zset_free_effort(const Entry* e) noexcept nogil:
    return 1 if is_listpack(e) else zset_length(e)


cdef Entry* zset_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef ZSet* copy
    if is_listpack(e):
        return entry_new(key, TYPE_ZSET, ENC_LISTPACK, lp_copy(listpack_of(e)), expiry)
    copy = table_new()
    ht_reserve(&copy.members, zset_length(e))
    copy_ranks(copy, e, 0, zset_length(e))
    return entry_new(key, TYPE_ZSET, ENC_SKIPLIST, copy, expiry)


cdef size_t zset_memory(Entry* e, uint64_t samples) noexcept nogil:
    cdef ZSet* z
    cdef OtCursor at
    cdef OtItem* item
    cdef size_t items = 0
    cdef uint64_t seen = 0
    if is_listpack(e):
        return mem_size(listpack_of(e))
    z = zset_of(e)
    ot_seek(&z.tree, &at, 0)
    item = ot_next(&at)
    while item != NULL and (samples == 0 or seen < samples):
        items += ot_item_memory(item)
        seen += 1
        item = ot_next(&at)
    if seen:
        items = <size_t>(<double>items / seen * z.tree.length)
    return mem_size(z) + z.tree.node_bytes + ht_memory(&z.members) + items
