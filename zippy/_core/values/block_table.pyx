# Freeing goes in steps, from the table's end, so that a large table never holds up a turn; its size is estimated from samples, as walking
# over it would.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memcpy
from zippy._core.ground.slice cimport Slice
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport HtIter, ht_drain, ht_init, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_memory, ht_reserve
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size, mem_zalloc


cdef BlockTable* bt_new(ht_key_fn key_of) noexcept nogil:
    cdef BlockTable* t = <BlockTable*>mem_zalloc(sizeof(BlockTable))
    ht_init(&t.table, key_of)
    return t


cdef void bt_free(BlockTable* t) noexcept nogil:
    bt_free_some(t, UINT64_MAX)


cdef void free_block(void* context, void* block) noexcept nogil:
    mem_free(block)


cdef bint bt_free_some(BlockTable* t, uint64_t items) noexcept nogil:
    if not ht_drain(&t.table, items, free_block, NULL):
        return False
    mem_free(t)
    return True


cdef BlockTable* bt_copy(BlockTable* t) noexcept nogil:
    cdef BlockTable* copy = bt_new(t.table.key_of)
    cdef HtIter it
    cdef void* block
    cdef void* twin
    cdef Slice key
    ht_reserve(&copy.table, t.table.count)
    ht_iter(&it, &t.table)
    block = ht_iter_next(&it)
    while block != NULL:
        twin = mem_alloc(mem_size(block))
        memcpy(twin, block, mem_size(block))
        t.table.key_of(twin, &key)
        ht_insert(&copy.table, twin, hash_bytes(key.ptr, key.len))
        block = ht_iter_next(&it)
    ht_iter_done(&it)
    return copy


cdef size_t bt_memory(BlockTable* t, uint64_t samples) noexcept nogil:
    cdef size_t size = mem_size(t) + ht_memory(&t.table)
    cdef HtIter it
    cdef void* block
    cdef uint64_t seen = 0
    cdef size_t bytes = 0
    ht_iter(&it, &t.table)
    block = ht_iter_next(&it)
    while block != NULL and (samples == 0 or seen < samples):
        bytes += mem_size(block)
        seen += 1
        block = ht_iter_next(&it)
    ht_iter_done(&it)
    if seen:
        size += bytes * t.table.count // seen
    return size
