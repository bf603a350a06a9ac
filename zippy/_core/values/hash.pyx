# A block of the table is read and written byte by byte, unaligned: it has no padding, and short lengths take one byte.

from libc.stdint cimport UINT64_MAX, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    ht_find, ht_find_hashed, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_random, ht_remove, ht_replace, ht_reserve
)
from zippy._core.ground.listpack cimport (
    LP_OVERHEAD, LpItem, lp_append, lp_append_int, lp_bytes, lp_copy, lp_delete_range_at, lp_find, lp_first, lp_fits, lp_free,
    lp_get, lp_last, lp_length, lp_move, lp_new, lp_next, lp_places, lp_replace, lp_seek, lp_text
)
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_good_size, mem_size
from zippy._core.ground.number cimport num_write_i64
from zippy._core.ground.random cimport random_below
from zippy._core.ground.time_index cimport ti_count_below, ti_first_moment, ti_first_some, ti_insert, ti_last_moment, ti_remove
from zippy._core.values.block_table cimport BlockTable, bt_copy, bt_free_some, bt_memory, bt_new
from zippy._core.values.element_expiry cimport (
    EXPIRING_SOME, MOMENT_BYTES, expiring_begin, expiring_end, expiring_free_some, expiring_memory, expiring_times,
    moment_read, moment_write
)
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_LISTPACK, ENC_LISTPACK_EX, ENTRY_ELEMENTS, NO_EXPIRY, TYPE_HASH, entry_encoding, entry_new, entry_pointer,
    entry_set_encoding, entry_value
)

cdef enum:
    # flags of a block: the width of each length as a power of two bytes; the higher bits are free
    FIELD_WIDTH = 3
    VALUE_WIDTH = 12
    VALUE_SHIFT = 2
    EXPIRES = 16               # a moment ends the block


cdef inline bint is_listpack(const Entry* e) noexcept nogil:
    return entry_encoding(e) != ENC_HASHTABLE


cdef inline int elements_each(const Entry* e) noexcept nogil:
    """Elements of a listpack for each field."""
    return 2 + (entry_encoding(e) == ENC_LISTPACK_EX)


cdef inline bint has_expiring(const Entry* e) noexcept nogil:
    return (e.flags & ENTRY_ELEMENTS) != 0


cdef inline unsigned char* listpack_of(const Entry* e) noexcept nogil:
    return <unsigned char*>entry_value(e)


cdef inline HashTable* table_of(const Entry* e) noexcept nogil:
    return &(<BlockTable*>entry_value(e)).table


# ---- fields in the table


cdef inline unsigned int width_of(size_t len) noexcept nogil:
    if len <= 0xFF:
        return 0
    if len <= 0xFFFF:
        return 1
    return 2 if len <= <size_t>0xFFFFFFFF else 3


cdef inline size_t read_length(const uint8_t* at, unsigned int width) noexcept nogil:
    cdef uint16_t len16
    cdef uint32_t len32
    cdef uint64_t len64
    if width == 0:
        return at[0]
    if width == 1:
        memcpy(&len16, at, 2)
        return len16
    if width == 2:
        memcpy(&len32, at, 4)
        return len32
    memcpy(&len64, at, 8)
    return len64


cdef inline void write_length(uint8_t* at, unsigned int width, size_t len) noexcept nogil:
    cdef uint16_t len16 = <uint16_t>len
    cdef uint32_t len32 = <uint32_t>len
    if width == 0:
        at[0] = <uint8_t>len
    elif width == 1:
        memcpy(at, &len16, 2)
    elif width == 2:
        memcpy(at, &len32, 4)
    else:
        memcpy(at, &len, 8)


cdef inline size_t block_size(Slice field, Slice value, bint expires) noexcept nogil:
    cdef size_t size = 1 + (<size_t>1 << width_of(field.len)) + (<size_t>1 << width_of(value.len)) + field.len + value.len
    return size + MOMENT_BYTES if expires else size


cdef inline void write_block(uint8_t* block, Slice field, Slice value, int64_t expiry) noexcept nogil:
    cdef unsigned int field_width = width_of(field.len)
    cdef unsigned int value_width = width_of(value.len)
    cdef uint8_t* at = block + 1
    block[0] = <uint8_t>(field_width | value_width << VALUE_SHIFT)
    write_length(at, field_width, field.len)
    at += <size_t>1 << field_width
    write_length(at, value_width, value.len)
    at += <size_t>1 << value_width
    if field_width:
        mem_copy(at, field.ptr, field.len)
    elif field.len:
        memcpy(at, field.ptr, field.len)
    if value_width:
        mem_copy(at + field.len, value.ptr, value.len)
    elif value.len:
        memcpy(at + field.len, value.ptr, value.len)
    if expiry != NO_EXPIRY:
        block[0] |= EXPIRES
        moment_write(at + field.len + value.len, expiry)


cdef void* block_new(Slice field, Slice value, int64_t expiry) noexcept nogil:
    cdef uint8_t* block = <uint8_t*>mem_alloc(block_size(field, value, expiry != NO_EXPIRY))
    write_block(block, field, value, expiry)
    return block


cdef void hash_field_of(const void* block, Slice* field) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*>block
    cdef unsigned int flags = at[0]
    if flags & (FIELD_WIDTH | VALUE_WIDTH) == 0:
        field.ptr = <const char*>at + 3
        field.len = at[1]
        return
    field.len = read_length(at + 1, flags & FIELD_WIDTH)
    field.ptr = <const char*>at + 1 + (1 << (flags & FIELD_WIDTH)) + (1 << ((flags & VALUE_WIDTH) >> VALUE_SHIFT))


cdef Slice hash_value_of(const void* block) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*>block
    cdef unsigned int flags = at[0]
    cdef Slice field
    hash_field_of(block, &field)
    return slice_of(
        field.ptr + field.len, read_length(at + 1 + (1 << (flags & FIELD_WIDTH)), (flags & VALUE_WIDTH) >> VALUE_SHIFT)
    )


cdef int64_t hash_expiry_of(const void* block) noexcept nogil:
    cdef Slice value
    if not (<const uint8_t*>block)[0] & EXPIRES:
        return NO_EXPIRY
    value = hash_value_of(block)
    return moment_read(value.ptr + value.len)


cdef void note_expiry(Entry* e, void* block, int64_t expiry) noexcept nogil:
    """A block that expires has come into the table."""
    if not has_expiring(e):
        entry_pointer(e)[0] = expiring_begin(<BlockTable*>entry_value(e))
        e.flags |= ENTRY_ELEMENTS
    ti_insert(expiring_times(<BlockTable*>entry_value(e)), expiry, block)


cdef void forget_expiry(Entry* e, const void* block, int64_t expiry) noexcept nogil:
    """A block that expires is about to leave the table, or to expire no more."""
    ti_remove(expiring_times(<BlockTable*>entry_value(e)), expiry, block)


cdef void end_expiry(Entry* e) noexcept nogil:
    """Takes the index away if nothing expires any more."""
    if expiring_times(<BlockTable*>entry_value(e)).count == 0:
        entry_pointer(e)[0] = expiring_end(<BlockTable*>entry_value(e))
        e.flags &= ~<int>ENTRY_ELEMENTS


cdef void* put_block(Entry* e, void* old, Slice field, Slice value, int64_t expiry, uint64_t hash) noexcept nogil:
    """Puts a block in the place of one of the same field, whose bytes these may not be; where it is."""
    cdef void* block
    if mem_good_size(block_size(field, value, expiry != NO_EXPIRY)) == mem_size(old):
        write_block(<uint8_t*>old, field, value, expiry)
        return old
    block = block_new(field, value, expiry)
    ht_replace(table_of(e), old, block, hash)
    mem_free(old)
    return block


cdef void put_over_expiring(Entry* e, void* old, Slice field, Slice value, int64_t expiry, uint64_t hash) noexcept nogil:
    """put_block where the field expires, or is to expire."""
    cdef int64_t before = hash_expiry_of(old)
    cdef void* block
    if expiry == KEEP_EXPIRY:
        expiry = before
    if before != NO_EXPIRY:
        forget_expiry(e, old, before)
    block = put_block(e, old, field, value, expiry, hash)
    if expiry != NO_EXPIRY:
        note_expiry(e, block, expiry)
    elif before != NO_EXPIRY:
        end_expiry(e)


cdef bint put_in_table(Entry* e, Slice field, Slice value, int64_t expiry) noexcept nogil:
    cdef uint64_t hash = hash_bytes(field.ptr, field.len)
    cdef void* old = ht_find_hashed(table_of(e), field, hash)
    cdef void* block
    if old == NULL:
        if expiry == KEEP_EXPIRY:
            expiry = NO_EXPIRY
        block = block_new(field, value, expiry)
        ht_insert(table_of(e), block, hash)
        if expiry != NO_EXPIRY:
            note_expiry(e, block, expiry)
        return True
    if expiry >= 0 or (<const uint8_t*>old)[0] & EXPIRES:
        put_over_expiring(e, old, field, value, expiry, hash)
    else:
        put_block(e, old, field, value, NO_EXPIRY, hash)
    return False


cdef void set_expiry_in_table(Entry* e, Slice field, int64_t expiry) noexcept nogil:
    cdef uint64_t hash = hash_bytes(field.ptr, field.len)
    cdef void* old = ht_find_hashed(table_of(e), field, hash)
    cdef Slice value = hash_value_of(old)
    cdef int64_t before = hash_expiry_of(old)
    cdef void* block = old
    if before != NO_EXPIRY:
        forget_expiry(e, old, before)
    if mem_good_size(block_size(field, value, expiry != NO_EXPIRY)) != mem_size(old):
        block = block_new(field, value, expiry)
        ht_replace(table_of(e), old, block, hash)
        mem_free(old)
    elif expiry != NO_EXPIRY:
        (<uint8_t*>old)[0] |= EXPIRES
        moment_write(<char*>value.ptr + value.len, expiry)
    else:
        (<uint8_t*>old)[0] &= <uint8_t>~<int>EXPIRES
    if expiry != NO_EXPIRY:
        note_expiry(e, block, expiry)
    elif before != NO_EXPIRY:
        end_expiry(e)


# ---- the listpack


cdef Entry* hash_new(Slice key) noexcept nogil:
    return entry_new(key, TYPE_HASH, ENC_LISTPACK, lp_new(0), NO_EXPIRY)


cdef void to_table(Entry* e, uint64_t expected) noexcept nogil:
    cdef BlockTable* t = bt_new(hash_field_of)
    cdef HashIter it
    cdef void* block
    ht_reserve(&t.table, expected)
    if has_expiring(e):
        t = expiring_begin(t)
    hash_iter(&it, e)
    while hash_iter_next(&it):
        block = block_new(it.pair.field, it.pair.value, it.pair.expiry)
        ht_insert(&t.table, block, hash_bytes(it.pair.field.ptr, it.pair.field.len))
        if it.pair.expiry != NO_EXPIRY:
            ti_insert(expiring_times(t), it.pair.expiry, block)
    hash_iter_done(&it)
    lp_free(listpack_of(e))
    entry_pointer(e)[0] = t
    entry_set_encoding(e, ENC_HASHTABLE)


cdef inline unsigned char* find_in_listpack(const Entry* e, Slice field) noexcept nogil:
    return lp_find(listpack_of(e), lp_first(listpack_of(e)), field, <unsigned int>elements_each(e) - 1)


cdef int64_t moment_at(const unsigned char* p) noexcept nogil:
    """The moment in an element of a listpack, or NO_EXPIRY."""
    cdef LpItem item
    lp_get(p, &item)
    return item.num if item.num else <int64_t>NO_EXPIRY


cdef inline unsigned char* moment_of(const Entry* e, const unsigned char* field) noexcept nogil:
    """Where the moment behind a field and its value is, in a listpack that has them."""
    return lp_next(listpack_of(e), lp_next(listpack_of(e), field))


cdef void hash_keep_expiry(Entry* e) noexcept nogil:
    cdef unsigned char* lp
    cdef HashIter it
    if entry_encoding(e) != ENC_LISTPACK:
        return
    lp = lp_new(lp_bytes(listpack_of(e)) + 2 * hash_length(e))
    hash_iter(&it, e)
    while hash_iter_next(&it):
        lp = lp_append_int(lp_append(lp_append(lp, it.pair.field), it.pair.value), 0)
    hash_iter_done(&it)
    lp_free(listpack_of(e))
    entry_pointer(e)[0] = lp
    entry_set_encoding(e, ENC_LISTPACK_EX)


cdef void note_first_moment(Entry* e) noexcept nogil:
    """After a change of a listpack with moments: its first field tells whether any expires."""
    cdef unsigned char* first = lp_first(listpack_of(e))
    if first != NULL and moment_at(moment_of(e, first)) != NO_EXPIRY:
        e.flags |= ENTRY_ELEMENTS
    else:
        e.flags &= ~<int>ENTRY_ELEMENTS


cdef void set_moment(Entry* e, unsigned char* field, int64_t expiry) noexcept nogil:
    """Gives a field of a listpack with moments another one, or NO_EXPIRY, and puts it where it belongs."""
    cdef char[HASH_TEXT] text
    cdef size_t offset = field - listpack_of(e)
    cdef unsigned char* at = moment_of(e, field)
    cdef unsigned char* other
    cdef int64_t moment
    entry_pointer(e)[0] = lp_replace(
        listpack_of(e), &at, slice_of(text, num_write_i64(text, expiry if expiry != NO_EXPIRY else <int64_t>0))
    )
    field = listpack_of(e) + offset
    other = lp_first(listpack_of(e)) if expiry != NO_EXPIRY else NULL
    while other != NULL:
        at = moment_of(e, other)
        moment = moment_at(at)
        if other != field and (moment == NO_EXPIRY or moment >= expiry):
            break
        other = lp_next(listpack_of(e), at)
    lp_move(listpack_of(e), field, 3, other)
    note_first_moment(e)


cdef void put_in_place(Entry* e, unsigned char* field, Slice value, int64_t expiry) noexcept nogil:
    """Puts a value in the place of that of a field in a listpack."""
    cdef size_t offset = field - listpack_of(e)
    cdef unsigned char* p = lp_next(listpack_of(e), field)
    entry_pointer(e)[0] = lp_replace(listpack_of(e), &p, value)
    if entry_encoding(e) != ENC_LISTPACK_EX or expiry == KEEP_EXPIRY:
        return
    field = listpack_of(e) + offset
    if moment_at(moment_of(e, field)) != expiry:
        set_moment(e, field, expiry)


cdef void append_field(Entry* e, Slice field, Slice value, int64_t expiry) noexcept nogil:
    entry_pointer(e)[0] = lp_append(listpack_of(e), field)
    entry_pointer(e)[0] = lp_append(listpack_of(e), value)
    if entry_encoding(e) != ENC_LISTPACK_EX:
        return
    entry_pointer(e)[0] = lp_append_int(listpack_of(e), 0)
    if expiry >= 0:
        set_moment(e, lp_seek(listpack_of(e), -3), expiry)


cdef bint put_in_listpack(Entry* e, const Settings* s, Slice field, Slice value, int64_t expiry) noexcept nogil:
    cdef unsigned char* p = find_in_listpack(e, field)
    cdef bint created = p == NULL
    if created:
        append_field(e, field, value, expiry)
    else:
        put_in_place(e, p, value, expiry)
    # the limit may have been lowered since the last change
    if hash_length(e) > <uint64_t>s.hash_max_listpack_entries:
        to_table(e, hash_length(e))
    return created


cdef inline void read_pair(const Entry* e, unsigned char* p, HashPair* pair) noexcept nogil:
    cdef unsigned char* value = lp_next(listpack_of(e), p)
    pair.field = lp_text(p, pair.field_text)
    pair.value = lp_text(value, pair.value_text)
    pair.expiry = NO_EXPIRY
    if entry_encoding(e) == ENC_LISTPACK_EX:
        pair.expiry = moment_at(lp_next(listpack_of(e), value))


cdef inline void read_block(const void* block, HashPair* pair) noexcept nogil:
    hash_field_of(block, &pair.field)
    pair.value = hash_value_of(block)
    pair.expiry = NO_EXPIRY
    if (<const uint8_t*>block)[0] & EXPIRES:
        pair.expiry = moment_read(pair.value.ptr + pair.value.len)


cdef void hash_make_room(Entry* e, const Settings* s, int count, const Slice* words) noexcept nogil:
    cdef size_t size = 0
    cdef int i
    if not is_listpack(e):
        return
    if count // 2 > s.hash_max_listpack_entries:
        to_table(e, count // 2)
        return
    for i in range(count):
        if words[i].len > <uint64_t>s.hash_max_listpack_value:
            to_table(e, hash_length(e) + count // 2)
            return
        size += words[i].len + LP_OVERHEAD
    if entry_encoding(e) == ENC_LISTPACK_EX:
        size += <size_t>(count // 2) * LP_OVERHEAD
    if not lp_fits(listpack_of(e), size):
        to_table(e, hash_length(e) + count // 2)


# ---- fields of a hash


cdef uint64_t hash_length(const Entry* e) noexcept nogil:
    if entry_encoding(e) == ENC_LISTPACK:
        return lp_length(listpack_of(e)) // 2
    return lp_length(listpack_of(e)) // 3 if is_listpack(e) else table_of(e).count


cdef bint hash_find(const Entry* e, Slice field, HashPair* pair) noexcept nogil:
    cdef unsigned char* p
    cdef void* block
    if is_listpack(e):
        p = find_in_listpack(e, field)
        if p != NULL:
            read_pair(e, p, pair)
        return p != NULL
    block = ht_find(table_of(e), field)
    if block == NULL:
        return False
    read_block(block, pair)
    return True


cdef bint hash_put(Entry* e, const Settings* s, Slice field, Slice value, int64_t expiry) noexcept nogil:
    cdef Slice[2] words
    if is_listpack(e):
        words[0] = field
        words[1] = value
        hash_make_room(e, s, 2, words)
        if expiry >= 0:
            hash_keep_expiry(e)
    if is_listpack(e):
        return put_in_listpack(e, s, field, value, expiry)
    return put_in_table(e, field, value, expiry)


cdef bint hash_set(Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil:
    return hash_put(e, s, field, value, NO_EXPIRY)


cdef void hash_set_expiry(Entry* e, Slice field, int64_t expiry) noexcept nogil:
    if expiry != NO_EXPIRY:
        hash_keep_expiry(e)
    if entry_encoding(e) == ENC_LISTPACK_EX:
        set_moment(e, find_in_listpack(e, field), expiry)
    elif entry_encoding(e) == ENC_HASHTABLE:
        set_expiry_in_table(e, field, expiry)


cdef bint hash_remove(Entry* e, Slice field) noexcept nogil:
    cdef unsigned char* p
    cdef void* block
    if is_listpack(e):
        p = find_in_listpack(e, field)
        if p == NULL:
            return False
        entry_pointer(e)[0] = lp_delete_range_at(listpack_of(e), &p, <unsigned long>elements_each(e))
        if has_expiring(e):
            note_first_moment(e)
        return True
    block = ht_remove(table_of(e), field)
    if block == NULL:
        return False
    if (<const uint8_t*>block)[0] & EXPIRES:
        forget_expiry(e, block, hash_expiry_of(block))
        end_expiry(e)
    mem_free(block)
    return True


cdef uint32_t* hash_places(const Entry* e) noexcept nogil:
    return lp_places(listpack_of(e), elements_each(e)) if is_listpack(e) else NULL


cdef void hash_random(const Entry* e, Random* r, const uint32_t* places, HashPair* pair) noexcept nogil:
    cdef void* block
    cdef uint64_t index
    if is_listpack(e):
        index = random_below(r, hash_length(e))
        read_pair(e, listpack_of(e) + places[index] if places != NULL else lp_seek(listpack_of(e), elements_each(e) * <long>index), pair)
        return
    block = ht_random(table_of(e), r)
    read_block(block, pair)


# ---- walking


cdef void hash_iter(HashIter* it, Entry* e) noexcept nogil:
    it.entry = e
    if is_listpack(e):
        it.p = lp_first(listpack_of(e))
    else:
        ht_iter(&it.table, table_of(e))


cdef bint hash_iter_next(HashIter* it) noexcept nogil:
    cdef void* block
    cdef unsigned char* lp
    if is_listpack(it.entry):
        if it.p == NULL:
            return False
        lp = listpack_of(it.entry)
        read_pair(it.entry, it.p, &it.pair)
        it.p = lp_next(lp, lp_next(lp, it.p))
        if entry_encoding(it.entry) == ENC_LISTPACK_EX:
            it.p = lp_next(lp, it.p)
        return True
    block = ht_iter_next(&it.table)
    if block == NULL:
        return False
    read_block(block, &it.pair)
    return True


cdef void hash_iter_done(HashIter* it) noexcept nogil:
    if not is_listpack(it.entry):
        ht_iter_done(&it.table)


cdef HashTable* hash_table(const Entry* e) noexcept nogil:
    return NULL if is_listpack(e) else table_of(e)


# ---- what expires first


cdef int64_t hash_next_expiry(const Entry* e) noexcept nogil:
    if not has_expiring(e):
        return NO_EXPIRY
    if is_listpack(e):
        return moment_at(moment_of(e, lp_first(listpack_of(e))))
    return ti_first_moment(expiring_times(<BlockTable*>entry_value(e)))


cdef int64_t hash_last_expiry(const Entry* e) noexcept nogil:
    if not has_expiring(e):
        return NO_EXPIRY
    if is_listpack(e):
        return moment_at(lp_last(listpack_of(e)))
    if expiring_times(<BlockTable*>entry_value(e)).count != table_of(e).count:
        return NO_EXPIRY
    return ti_last_moment(expiring_times(<BlockTable*>entry_value(e)))


cdef uint64_t hash_count_below(const Entry* e, int64_t moment) noexcept nogil:
    cdef unsigned char* p
    cdef unsigned char* at
    cdef int64_t expiry
    cdef uint64_t count = 0
    if not has_expiring(e):
        return 0
    if not is_listpack(e):
        return ti_count_below(expiring_times(<BlockTable*>entry_value(e)), moment)
    p = lp_first(listpack_of(e))
    while p != NULL:
        at = moment_of(e, p)
        expiry = moment_at(at)
        if expiry == NO_EXPIRY or expiry >= moment:
            break
        p = lp_next(listpack_of(e), at)
        count += 1
    return count


cdef int first_in_listpack(const Entry* e, ExpiringElement* some) noexcept nogil:
    cdef unsigned char* p = lp_first(listpack_of(e))
    cdef unsigned char* at
    cdef int n = 0
    while p != NULL and n < EXPIRING_SOME:
        at = moment_of(e, p)
        some[n].moment = moment_at(at)
        if some[n].moment == NO_EXPIRY:
            break
        some[n].name = lp_text(p, some[n].text)
        p = lp_next(listpack_of(e), at)
        n += 1
    return n


cdef int hash_first_expiring(const Entry* e, ExpiringElement* some) noexcept nogil:
    cdef int64_t moments[EXPIRING_SOME]
    cdef void* blocks[EXPIRING_SOME]
    cdef int n
    cdef int i
    if not has_expiring(e):
        return 0
    if is_listpack(e):
        return first_in_listpack(e, some)
    n = ti_first_some(expiring_times(<BlockTable*>entry_value(e)), moments, blocks, EXPIRING_SOME)
    for i in range(n):
        some[i].moment = moments[i]
        hash_field_of(blocks[i], &some[i].name)
    return n


cdef void hash_remove_first(Entry* e, int count) noexcept nogil:
    cdef int64_t moments[EXPIRING_SOME]
    cdef void* blocks[EXPIRING_SOME]
    cdef unsigned char* p
    cdef Slice field
    cdef int i
    if is_listpack(e):
        p = lp_first(listpack_of(e))
        entry_pointer(e)[0] = lp_delete_range_at(listpack_of(e), &p, 3 * <unsigned long>count)
        note_first_moment(e)
        return
    count = ti_first_some(expiring_times(<BlockTable*>entry_value(e)), moments, blocks, count)
    for i in range(count):
        hash_field_of(blocks[i], &field)
        hash_remove(e, field)


# ---- what holds for values of every type


cdef void hash_free(Entry* e) noexcept nogil:
    while not hash_free_some(e, UINT64_MAX):
        pass


cdef bint hash_free_some(Entry* e, uint64_t items) noexcept nogil:
    if is_listpack(e):
        lp_free(listpack_of(e))
        return True
    if has_expiring(e):
        return expiring_free_some(<BlockTable*>entry_value(e), items)
    return bt_free_some(<BlockTable*>entry_value(e), items)


cdef uint64_t hash_free_effort(const Entry* e) noexcept nogil:
    return 1 if is_listpack(e) else table_of(e).count


cdef BlockTable* copied_table(const Entry* e) noexcept nogil:
    cdef BlockTable* copy = bt_copy(<BlockTable*>entry_value(e))
    cdef HtIter it
    cdef void* block
    if not has_expiring(e):
        return copy
    copy = expiring_begin(copy)
    ht_iter(&it, &copy.table)
    block = ht_iter_next(&it)
    while block != NULL:
        if (<const uint8_t*>block)[0] & EXPIRES:
            ti_insert(expiring_times(copy), hash_expiry_of(block), block)
        block = ht_iter_next(&it)
    ht_iter_done(&it)
    return copy


cdef Entry* hash_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef void* value = <void*>lp_copy(listpack_of(e)) if is_listpack(e) else <void*>copied_table(e)
    cdef Entry* copy = entry_new(key, TYPE_HASH, entry_encoding(e), value, expiry)
    copy.flags |= e.flags & ENTRY_ELEMENTS
    return copy


cdef size_t hash_memory(Entry* e, uint64_t samples) noexcept nogil:
    if is_listpack(e):
        return mem_size(listpack_of(e))
    if has_expiring(e):
        return expiring_memory(<BlockTable*>entry_value(e), samples)
    return bt_memory(<BlockTable*>entry_value(e), samples)
