"""A hash table that owns its items, each a block of its own that holds its key and points nowhere: a set's members, a hash's fields."""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from zippy._core.ground.hashtable cimport HashTable, ht_key_fn


cdef struct BlockTable:
    HashTable table


cdef BlockTable* bt_new(ht_key_fn key_of) noexcept nogil
cdef void bt_free(BlockTable* t) noexcept nogil
cdef bint bt_free_some(BlockTable* t, uint64_t items) noexcept nogil     # True: all is gone, t too; until then only this may be called
cdef BlockTable* bt_copy(BlockTable* t) noexcept nogil
cdef size_t bt_memory(BlockTable* t, uint64_t samples) noexcept nogil    # bytes, from so many items (0: all)
