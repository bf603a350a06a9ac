# A block of the table is read and written byte by byte, unaligned: it has no padding, and short lengths take one byte.

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    ht_find, ht_find_hashed, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_random, ht_remove, ht_replace, ht_reserve
)
from zippy._core.ground.listpack cimport (
    LP_OVERHEAD, lp_append, lp_copy, lp_delete_range_at, lp_find, lp_first, lp_fits, lp_free, lp_length, lp_new, lp_next, lp_replace,
    lp_places, lp_seek, lp_text
)
from zippy._core.ground.mem cimport mem_alloc, mem_copy, mem_free, mem_good_size, mem_size
from zippy._core.ground.random cimport random_below
from zippy._core.values.block_table cimport BlockTable, bt_copy, bt_free, bt_free_some, bt_memory, bt_new
from zippy._core.values.entry cimport (
    ENC_HASHTABLE, ENC_LISTPACK, NO_EXPIRY, TYPE_HASH, entry_encoding, entry_new, entry_pointer, entry_set_encoding, entry_value
)

cdef enum:
    # flags of a block: the width of each length as a power of two bytes; the higher bits are free
    FIELD_WIDTH = 3
    VALUE_WIDTH = 12
    VALUE_SHIFT = 2


cdef inline bint is_listpack(const Entry* e) noexcept nogil:
    return entry_encoding(e) == ENC_LISTPACK


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


cdef inline size_t block_size(Slice field, Slice value) noexcept nogil:
    return 1 + (<size_t>1 << width_of(field.len)) + (<size_t>1 << width_of(value.len)) + field.len + value.len


cdef inline void write_block(uint8_t* block, Slice field, Slice value) noexcept nogil:
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


cdef void* block_new(Slice field, Slice value) noexcept nogil:
    cdef uint8_t* block = <uint8_t*>mem_alloc(block_size(field, value))
    write_block(block, field, value)
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


cdef bint set_in_table(Entry* e, Slice field, Slice value) noexcept nogil:
    cdef uint64_t hash = hash_bytes(field.ptr, field.len)
    cdef void* old = ht_find_hashed(table_of(e), field, hash)
    if old == NULL:
        ht_insert(table_of(e), block_new(field, value), hash)
        return True
    if mem_good_size(block_size(field, value)) == mem_size(old):
        write_block(<uint8_t*>old, field, value)
    else:
        ht_replace(table_of(e), old, block_new(field, value), hash)
        mem_free(old)
    return False


# ---- the listpack


cdef Entry* hash_new(Slice key) noexcept nogil:
    return entry_new(key, TYPE_HASH, ENC_LISTPACK, lp_new(0), NO_EXPIRY)


cdef void to_table(Entry* e, uint64_t expected) noexcept nogil:
    cdef BlockTable* t = bt_new(hash_field_of)
    cdef HashIter it
    ht_reserve(&t.table, expected)
    hash_iter(&it, e)
    while hash_iter_next(&it):
        ht_insert(&t.table, block_new(it.pair.field, it.pair.value), hash_bytes(it.pair.field.ptr, it.pair.field.len))
    hash_iter_done(&it)
    lp_free(listpack_of(e))
    entry_pointer(e)[0] = t
    entry_set_encoding(e, ENC_HASHTABLE)


cdef inline unsigned char* find_in_listpack(const Entry* e, Slice field) noexcept nogil:
    return lp_find(listpack_of(e), lp_first(listpack_of(e)), field, 1)


cdef bint set_in_listpack(Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil:
    cdef unsigned char* p = find_in_listpack(e, field)
    cdef bint created = p == NULL
    if p != NULL:
        p = lp_next(listpack_of(e), p)
        entry_pointer(e)[0] = lp_replace(listpack_of(e), &p, value)
    else:
        entry_pointer(e)[0] = lp_append(listpack_of(e), field)
        entry_pointer(e)[0] = lp_append(listpack_of(e), value)
    # the limit may have been lowered since the last change
    if hash_length(e) > <uint64_t>s.hash_max_listpack_entries:
        to_table(e, hash_length(e))
    return created


cdef inline void read_pair(const Entry* e, unsigned char* p, HashPair* pair) noexcept nogil:
    pair.field = lp_text(p, pair.field_text)
    pair.value = lp_text(lp_next(listpack_of(e), p), pair.value_text)


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
    if not lp_fits(listpack_of(e), size):
        to_table(e, hash_length(e) + count // 2)


# ---- fields of a hash


cdef uint64_t hash_length(const Entry* e) noexcept nogil:
    return lp_length(listpack_of(e)) // 2 if is_listpack(e) else table_of(e).count


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
    hash_field_of(block, &pair.field)
    pair.value = hash_value_of(block)
    return True


cdef bint hash_set(Entry* e, const Settings* s, Slice field, Slice value) noexcept nogil:
    cdef Slice[2] words
    if is_listpack(e):
        words[0] = field
        words[1] = value
        hash_make_room(e, s, 2, words)
    if is_listpack(e):
        return set_in_listpack(e, s, field, value)
    return set_in_table(e, field, value)


cdef bint hash_remove(Entry* e, Slice field) noexcept nogil:
    cdef unsigned char* p
    cdef void* block
    if is_listpack(e):
        p = find_in_listpack(e, field)
        if p == NULL:
            return False
        entry_pointer(e)[0] = lp_delete_range_at(listpack_of(e), &p, 2)
        return True
    block = ht_remove(table_of(e), field)
    mem_free(block)
    return block != NULL


cdef uint32_t* hash_places(const Entry* e) noexcept nogil:
    return lp_places(listpack_of(e), 2) if is_listpack(e) else NULL


cdef void hash_random(const Entry* e, Random* r, const uint32_t* places, HashPair* pair) noexcept nogil:
    cdef void* block
    cdef uint64_t index
    if is_listpack(e):
        index = random_below(r, hash_length(e))
        read_pair(e, listpack_of(e) + places[index] if places != NULL else lp_seek(listpack_of(e), 2 * <long>index), pair)
        return
    block = ht_random(table_of(e), r)
    hash_field_of(block, &pair.field)
    pair.value = hash_value_of(block)


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
        return True
    block = ht_iter_next(&it.table)
    if block == NULL:
        return False
    hash_field_of(block, &it.pair.field)
    it.pair.value = hash_value_of(block)
    return True


cdef void hash_iter_done(HashIter* it) noexcept nogil:
    if not is_listpack(it.entry):
        ht_iter_done(&it.table)


cdef HashTable* hash_table(const Entry* e) noexcept nogil:
    return NULL if is_listpack(e) else table_of(e)


# ---- what holds for values of every type


cdef void hash_free(Entry* e) noexcept nogil:
    if is_listpack(e):
        lp_free(listpack_of(e))
    else:
        bt_free(<BlockTable*>entry_value(e))


cdef bint hash_free_some(Entry* e, uint64_t items) noexcept nogil:
    if not is_listpack(e):
        return bt_free_some(<BlockTable*>entry_value(e), items)
    hash_free(e)
    return True


cdef uint64_t hash_free_effort(const Entry* e) noexcept nogil:
    return 1 if is_listpack(e) else table_of(e).count


cdef Entry* hash_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    cdef void* copy = <void*>lp_copy(listpack_of(e)) if is_listpack(e) else <void*>bt_copy(<BlockTable*>entry_value(e))
    return entry_new(key, TYPE_HASH, entry_encoding(e), copy, expiry)


cdef size_t hash_memory(Entry* e, uint64_t samples) noexcept nogil:
    return mem_size(listpack_of(e)) if is_listpack(e) else bt_memory(<BlockTable*>entry_value(e), samples)
