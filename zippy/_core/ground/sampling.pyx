# Two ways without repeats: choosing while walking over all, or drawing from a table's buckets and remembering what was drawn. The caller
# knows how many there are and takes the cheaper.

from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_find_hashed, ht_free, ht_init, ht_insert, ht_random
from zippy._core.ground.random cimport random_below
from zippy._core.ground.slice cimport Slice


cdef bint choose(Choice* choice, Random* r) noexcept nogil:
    cdef bint chosen = choice.wanted > 0 and random_below(r, choice.left) < choice.wanted
    choice.left -= 1
    if chosen:
        choice.wanted -= 1
    return chosen


cdef void draw_distinct(HashTable* t, Random* r, uint64_t count, ht_scan_fn fn, void* context) noexcept nogil:
    cdef HashTable drawn
    cdef void* item
    cdef Slice key
    cdef uint64_t hash
    ht_init(&drawn, t.key_of)
    while drawn.count < count:
        item = ht_random(t, r)
        t.key_of(item, &key)
        hash = hash_bytes(key.ptr, key.len)
        if ht_find_hashed(&drawn, key, hash) == NULL:
            ht_insert(&drawn, item, hash)
            fn(context, item)
    ht_free(&drawn)
