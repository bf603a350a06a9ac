# The encoding is decided where a member is added; an integer stays one in an intset or a listpack and becomes text in a table's block.

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    ht_find, ht_find_hashed, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_random, ht_remove, ht_reserve
)
from zippy._core.ground.intset cimport is_add, is_bytes, is_contains, is_copy, is_free, is_get, is_length, is_new, is_remove
from zippy._core.ground.listpack cimport (
    LP_MAX_BYTES, lp_append, lp_append_int, lp_copy, lp_delete, lp_find, lp_first, lp_fits, lp_free, lp_get, lp_length, lp_new, lp_next,
    lp_places, lp_seek
)
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_size
from zippy._core.ground.number cimport num_read_i64, num_write_i64
from zippy._core.ground.random cimport random_below
from zippy._core.values.block_table cimport BlockTable, bt_copy, bt_free, bt_free_some, bt_memory, bt_new
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_INTSET, ENC_LISTPACK, NO_EXPIRY, TYPE_SET, entry_encoding, entry_new, entry_pointer, entry_set_encoding, entry_value
)

cdef enum:
    SHORT_MAX = 252          # bytes of a member whose length is the prefix itself
    LEN16 = 253              # prefixes: the length follows in so many bits
    LEN32 = 254
    LEN64 = 255
    INTSET_LIMIT = 1 << 30   # members of an intset, whatever the settings say
    LP_OVERHEAD = 10         # bytes that an element of a listpack takes beside its text, at most


cdef inline unsigned char* packed(const Entry* e) noexcept nogil:
    """The intset or listpack."""
    return <unsigned char*>entry_value(e)


cdef inline HashTable* table_of(const Entry* e) noexcept nogil:
    return &(<BlockTable*>entry_value(e)).table


# ---- members in the table


cdef void* block_new(Slice member) noexcept nogil:
    cdef uint8_t* block
    cdef size_t prefix = 1
    cdef uint16_t len16 = <uint16_t>member.len
    cdef uint32_t len32 = <uint32_t>member.len
    if member.len > SHORT_MAX:
        prefix = 3 if member.len <= 0xFFFF else (5 if member.len <= <size_t>0xFFFFFFFF else 9)
    block = <uint8_t*>mem_alloc(prefix + member.len)
    if prefix == 1:
        block[0] = <uint8_t>member.len
    elif prefix == 3:
        block[0] = LEN16
        memcpy(block + 1, &len16, 2)
    elif prefix == 5:
        block[0] = LEN32
        memcpy(block + 1, &len32, 4)
    else:
        block[0] = LEN64
        memcpy(block + 1, &member.len, 8)
    if prefix > 1:
        mem_copy(block + prefix, member.ptr, member.len)
    elif member.len:
        memcpy(block + prefix, member.ptr, member.len)
    return block


cdef void set_member_of(const void* block, Slice* member) noexcept nogil:
    cdef const char* at = <const char*>block
    cdef uint8_t head = (<const uint8_t*>block)[0]
    cdef uint16_t len16
    cdef uint32_t len32
    if head <= SHORT_MAX:
        member.ptr = at + 1
        member.len = head
    elif head == LEN16:
        memcpy(&len16, at + 1, 2)
        member.ptr = at + 3
        member.len = len16
    elif head == LEN32:
        memcpy(&len32, at + 1, 4)
        member.ptr = at + 5
        member.len = len32
    else:
        memcpy(&member.len, at + 1, 8)
        member.ptr = at + 9


cdef Slice set_text(const LpItem* member, char* scratch) noexcept nogil:
    if member.ptr != NULL:
        return slice_of(member.ptr, member.len)
    return slice_of(scratch, num_write_i64(scratch, member.num))


cdef inline LpItem item_of(Slice member) noexcept nogil:
    """The text as an item; integers are not recognised."""
    cdef LpItem item
    item.ptr = member.ptr
    item.len = member.len
    item.num = 0
    return item


# ---- encodings


cdef Entry* set_new_intset(Slice key) noexcept nogil:
    return entry_new(key, TYPE_SET, ENC_INTSET, is_new(), NO_EXPIRY)


cdef Entry* set_new_listpack(Slice key) noexcept nogil:
    return entry_new(key, TYPE_SET, ENC_LISTPACK, lp_new(0), NO_EXPIRY)


cdef Entry* set_new_table(Slice key) noexcept nogil:
    return entry_new(key, TYPE_SET, ENC_HASHTABLE, bt_new(set_member_of), NO_EXPIRY)


cdef inline uint64_t intset_max(const Settings* s) noexcept nogil:
    return <uint64_t>s.set_max_intset_entries if s.set_max_intset_entries < INTSET_LIMIT else INTSET_LIMIT


cdef inline bint short_enough(const Settings* s, size_t len) noexcept nogil:
    return len <= <uint64_t>s.set_max_listpack_value


cdef Entry* set_new(Slice key, const Settings* s, Slice member, uint64_t expected) noexcept nogil:
    cdef int64_t n
    cdef Entry* e
    if expected <= <uint64_t>s.set_max_intset_entries and num_read_i64(member, &n):
        return set_new_intset(key)
    if expected <= <uint64_t>s.set_max_listpack_entries:
        return set_new_listpack(key)
    e = set_new_table(key)
    ht_reserve(table_of(e), expected)
    return e


cdef void replace_packed(Entry* e, int encoding, void* value) noexcept nogil:
    """Takes over the new value; the old one is an intset or a listpack."""
    if entry_encoding(e) == ENC_INTSET:
        is_free(packed(e))
    else:
        lp_free(packed(e))
    entry_pointer(e)[0] = value
    entry_set_encoding(e, encoding)


cdef void to_table(Entry* e, uint64_t expected) noexcept nogil:
    cdef BlockTable* t = bt_new(set_member_of)
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    cdef Slice text
    ht_reserve(&t.table, expected)
    set_iter(&it, e)
    while set_iter_next(&it):
        text = set_text(&it.member, scratch)
        ht_insert(&t.table, block_new(text), hash_bytes(text.ptr, text.len))
    set_iter_done(&it)
    replace_packed(e, ENC_HASHTABLE, t)


cdef void to_listpack(Entry* e) noexcept nogil:
    cdef unsigned char* lp = lp_new(is_bytes(packed(e)))
    cdef uint32_t i
    for i in range(is_length(packed(e))):
        lp = lp_append_int(lp, is_get(packed(e), i))
    replace_packed(e, ENC_LISTPACK, lp)


cdef bint intset_fits_listpack(const Entry* e, const Settings* s, size_t extra) noexcept nogil:
    """May an intset be a listpack that gets one more member of so many bytes?"""
    cdef const unsigned char* ints = packed(e)
    cdef uint32_t count = is_length(ints)
    cdef char[SET_TEXT] scratch
    cdef size_t longest = 0
    cdef size_t other
    if count >= <uint64_t>s.set_max_listpack_entries or not short_enough(s, extra):
        return False
    if count:
        # the longest text is that of one of the two ends
        longest = num_write_i64(scratch, is_get(ints, 0))
        other = num_write_i64(scratch, is_get(ints, count - 1))
        longest = other if other > longest else longest
    return short_enough(s, longest) and count * (longest + LP_OVERHEAD) + extra <= LP_MAX_BYTES


cdef void set_make_room(Entry* e, const Settings* s, uint64_t expected) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    if encoding == ENC_LISTPACK and expected > <uint64_t>s.set_max_listpack_entries:
        to_table(e, expected)
    elif encoding == ENC_INTSET and expected > intset_max(s):
        to_table(e, expected)


cdef void set_try_intset(Entry* e, const Settings* s) noexcept nogil:
    cdef unsigned char* ints
    cdef SetIter it
    cdef int64_t n
    cdef bint added
    if entry_encoding(e) == ENC_INTSET or set_length(e) > intset_max(s):
        return
    ints = is_new()
    set_iter(&it, e)
    while set_iter_next(&it):
        n = it.member.num
        if it.member.ptr != NULL:
            num_read_i64(slice_of(it.member.ptr, it.member.len), &n)
        ints = is_add(ints, n, &added)
    set_iter_done(&it)
    set_free(e)
    entry_pointer(e)[0] = ints
    entry_set_encoding(e, ENC_INTSET)


# ---- members of a set


cdef uint64_t set_length(const Entry* e) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    if encoding == ENC_HASHTABLE:
        return table_of(e).count
    return is_length(packed(e)) if encoding == ENC_INTSET else lp_length(packed(e))


cdef bint set_contains(const Entry* e, Slice member) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    cdef int64_t n
    if encoding == ENC_HASHTABLE:
        return ht_find(table_of(e), member) != NULL
    if encoding == ENC_INTSET:
        return num_read_i64(member, &n) and is_contains(packed(e), n)
    return lp_find(packed(e), lp_first(packed(e)), member, 0) != NULL


cdef bint set_contains_item(const Entry* e, const LpItem* member) noexcept nogil:
    cdef char[SET_TEXT] scratch
    if member.ptr == NULL and entry_encoding(e) == ENC_INTSET:
        return is_contains(packed(e), member.num)
    return set_contains(e, set_text(member, scratch))


cdef bint add_to_table(Entry* e, Slice member) noexcept nogil:
    cdef uint64_t hash = hash_bytes(member.ptr, member.len)
    if ht_find_hashed(table_of(e), member, hash) != NULL:
        return False
    ht_insert(table_of(e), block_new(member), hash)
    return True


cdef bint add_to_intset(Entry* e, const Settings* s, int64_t n) noexcept nogil:
    cdef bint added
    entry_pointer(e)[0] = is_add(packed(e), n, &added)
    if added and is_length(packed(e)) > intset_max(s):
        to_table(e, is_length(packed(e)))
    return added


cdef bint add_to_listpack(Entry* e, const Settings* s, Slice member) noexcept nogil:
    if lp_find(packed(e), lp_first(packed(e)), member, 0) != NULL:
        return False
    if lp_length(packed(e)) < <uint64_t>s.set_max_listpack_entries and short_enough(s, member.len) and lp_fits(packed(e), member.len):
        entry_pointer(e)[0] = lp_append(packed(e), member)
        return True
    to_table(e, lp_length(packed(e)) + 1)
    return add_to_table(e, member)


cdef bint set_add(Entry* e, const Settings* s, Slice member) noexcept nogil:
    cdef int64_t n
    if entry_encoding(e) == ENC_HASHTABLE:
        return add_to_table(e, member)
    if entry_encoding(e) == ENC_LISTPACK:
        return add_to_listpack(e, s, member)
    if num_read_i64(member, &n):
        return add_to_intset(e, s, n)
    if intset_fits_listpack(e, s, member.len):
        to_listpack(e)
        entry_pointer(e)[0] = lp_append(packed(e), member)
        return True
    to_table(e, is_length(packed(e)) + 1)
    return add_to_table(e, member)


cdef bint set_add_item(Entry* e, const Settings* s, const LpItem* member) noexcept nogil:
    cdef char[SET_TEXT] scratch
    if member.ptr == NULL and entry_encoding(e) == ENC_INTSET:
        return add_to_intset(e, s, member.num)
    return set_add(e, s, set_text(member, scratch))


cdef bint set_remove(Entry* e, Slice member) noexcept nogil:
    cdef void* block
    cdef unsigned char* p
    cdef int64_t n
    cdef bint removed = False
    if entry_encoding(e) == ENC_HASHTABLE:
        block = ht_remove(table_of(e), member)
        mem_free(block)
        return block != NULL
    if entry_encoding(e) == ENC_INTSET:
        if num_read_i64(member, &n):
            entry_pointer(e)[0] = is_remove(packed(e), n, &removed)
        return removed
    p = lp_find(packed(e), lp_first(packed(e)), member, 0)
    if p != NULL:
        entry_pointer(e)[0] = lp_delete(packed(e), p, NULL)
    return p != NULL


cdef bint set_remove_item(Entry* e, const LpItem* member) noexcept nogil:
    cdef char[SET_TEXT] scratch
    return set_remove(e, set_text(member, scratch))


cdef uint32_t* set_places(const Entry* e) noexcept nogil:
    return lp_places(packed(e), 1) if entry_encoding(e) == ENC_LISTPACK else NULL


cdef void set_random(const Entry* e, Random* r, const uint32_t* places, LpItem* member) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    cdef Slice text
    if encoding == ENC_HASHTABLE:
        set_member_of(ht_random(table_of(e), r), &text)
        member[0] = item_of(text)
    elif encoding == ENC_INTSET:
        member.ptr = NULL
        member.num = is_get(packed(e), <uint32_t>random_below(r, is_length(packed(e))))
    elif places != NULL:
        lp_get(packed(e) + places[random_below(r, lp_length(packed(e)))], member)
    else:
        lp_get(lp_seek(packed(e), <long>random_below(r, lp_length(packed(e)))), member)


# ---- walking


cdef void set_iter(SetIter* it, Entry* e) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    it.entry = e
    if encoding == ENC_HASHTABLE:
        ht_iter(&it.table, table_of(e))
    elif encoding == ENC_INTSET:
        it.index = 0
    else:
        it.p = lp_first(packed(e))


cdef bint set_iter_next(SetIter* it) noexcept nogil:
    cdef int encoding = entry_encoding(it.entry)
    cdef void* block
    cdef Slice text
    if encoding == ENC_HASHTABLE:
        block = ht_iter_next(&it.table)
        if block == NULL:
            return False
        set_member_of(block, &text)
        it.member = item_of(text)
        return True
    if encoding == ENC_INTSET:
        if it.index >= is_length(packed(it.entry)):
            return False
        it.member.ptr = NULL
        it.member.num = is_get(packed(it.entry), it.index)
        it.index += 1
        return True
    if it.p == NULL:
        return False
    lp_get(it.p, &it.member)
    it.p = lp_next(packed(it.entry), it.p)
    return True


cdef void set_iter_done(SetIter* it) noexcept nogil:
    if entry_encoding(it.entry) == ENC_HASHTABLE:
        ht_iter_done(&it.table)


cdef HashTable* set_table(const Entry* e) noexcept nogil:
    return table_of(e) if entry_encoding(e) == ENC_HASHTABLE else NULL


cdef void set_swap(Entry* a, Entry* b) noexcept nogil:
    cdef void* value = entry_value(a)
    cdef int encoding = entry_encoding(a)
    entry_pointer(a)[0] = entry_value(b)
    entry_set_encoding(a, entry_encoding(b))
    entry_pointer(b)[0] = value
    entry_set_encoding(b, encoding)


# ---- what holds for values of every type


cdef void set_free(Entry* e) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    if encoding == ENC_HASHTABLE:
        bt_free(<BlockTable*>entry_value(e))
    elif encoding == ENC_INTSET:
        is_free(packed(e))
    else:
        lp_free(packed(e))


cdef bint set_free_some(Entry* e, uint64_t items) noexcept nogil:
    if entry_encoding(e) == ENC_HASHTABLE:
        return bt_free_some(<BlockTable*>entry_value(e), items)
    set_free(e)
    return True


cdef uint64_t set_free_effort(const Entry* e) noexcept nogil:
    return table_of(e).count if entry_encoding(e) == ENC_HASHTABLE else 1


cdef Entry* set_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef int encoding = entry_encoding(e)
    cdef void* copy
    if encoding == ENC_HASHTABLE:
        copy = bt_copy(<BlockTable*>entry_value(e))
    else:
        copy = <void*>is_copy(packed(e)) if encoding == ENC_INTSET else <void*>lp_copy(packed(e))
    return entry_new(key, TYPE_SET, encoding, copy, expiry)


cdef size_t set_memory(Entry* e, uint64_t samples) noexcept nogil:
    if entry_encoding(e) == ENC_HASHTABLE:
        return bt_memory(<BlockTable*>entry_value(e), samples)
    return mem_size(packed(e))
