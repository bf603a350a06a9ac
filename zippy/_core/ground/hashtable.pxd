"""Hash table of item pointers: linear hashing over cache-line buckets of nine slots with one-byte tags.

Linear hashing grows and shrinks by one bucket at a time, so that there is never a second table, a pause or a step in memory, and the load
factor stays high. Items carry their own key; the table finds it through `key_of`. Items belong to the caller, and their addresses must be
below 2^48, as all are that a system gives unasked: the table stops the process at any other. A zeroed HashTable with key_of set is an empty
table.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.random cimport Random

ctypedef void (*ht_key_fn)(const void* item, Slice* key) noexcept nogil
ctypedef void (*ht_scan_fn)(void* context, void* item) noexcept nogil


cdef struct Bucket:
    uint8_t tags[8]      # the top byte of each item's hash (never 0), 0 for an empty slot
    uint16_t last        # without a tail slot 8's tag; else bit 15, and bit i < 15 if a tag in the tail may end in the four bits i
    uint8_t slots[54]    # nine addresses of six bytes, the lowest byte first: items; with a tail, the ninth is the tail's


cdef struct HashTable:
    Bucket** segments    # directory of segments of 64 buckets; the last segment alone may be shorter
    ht_key_fn key_of     # where an item's key is
    uint64_t count       # items
    uint64_t buckets     # home buckets in use, at least 1 once an item was inserted
    uint32_t directory   # segments in the directory
    uint32_t paused      # > 0: no growing, no shrinking and no item moves (iterators)
    uint32_t overflow    # size of all tails, in words of 8 bytes
    uint32_t deepest     # no home bucket has more positions, its tail's included


cdef struct HtIter:
    HashTable* table
    uint64_t index       # home bucket being read
    uint64_t position    # next position in it: 0-7 in the bucket, from 8 on in its tail (or its own slot 8)
    uint64_t before      # items when the iteration began


cdef void ht_init(HashTable* t, ht_key_fn key_of) noexcept nogil
# the buckets; items are the caller's; the table is empty and usable again
cdef void ht_free(HashTable* t) noexcept nogil
# hands about so many items to fn, which frees them, and frees what held them; True: all is gone, as after ht_free; until then only this may
# be called
cdef bint ht_drain(HashTable* t, uint64_t items, ht_scan_fn fn, void* context) noexcept nogil
cdef void* ht_find(HashTable* t, Slice key) noexcept nogil                       # the item or NULL
cdef void* ht_find_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil
# the key must be absent; hash is hash_bytes of the item's key
cdef void ht_insert(HashTable* t, void* item, uint64_t hash) noexcept nogil
cdef void* ht_remove(HashTable* t, Slice key) noexcept nogil                     # unlinks and returns the item, or NULL
cdef void* ht_remove_hashed(HashTable* t, Slice key, uint64_t hash) noexcept nogil
# same key, other address; `old` is not read (it may be freed)
cdef void ht_replace(HashTable* t, void* old, void* new_item, uint64_t hash) noexcept nogil
# At most so many steps towards the size that the items need; True: nothing is left to do. For tables of which nobody removes any more what
# removals left too large: they do a few steps each, and none while what is left of the items is in few buckets.
cdef bint ht_shrink(HashTable* t, uint64_t steps) noexcept nogil
cdef void ht_reserve(HashTable* t, uint64_t count) noexcept nogil                # splits at once what count items will need
cdef const Bucket* ht_prefetch(HashTable* t, uint64_t hash) noexcept nogil      # the home bucket, whose cache line is fetched; or NULL
cdef void ht_prefetch_item(const Bucket* home, uint64_t hash) noexcept nogil    # the items that may be the one; reads the home bucket
# One step of a scan: calls fn for each item of one home bucket; fn may remove that item alone. Returns the next cursor, 0 when all was
# seen. Cursors are points of the bit-reversed hash space, so that an item present from first to last call is seen whatever grows and
# shrinks between.
cdef uint64_t ht_scan(HashTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil
cdef void* ht_random(HashTable* t, Random* r) noexcept nogil                     # uniform over the items, NULL if empty
cdef void ht_iter(HtIter* it, HashTable* t) noexcept nogil                       # pauses resizing; end with ht_iter_done
# NULL at the end; any item may be removed, an inserted one may be missed
cdef void* ht_iter_next(HtIter* it) noexcept nogil
cdef void ht_iter_done(HtIter* it) noexcept nogil
cdef size_t ht_memory(const HashTable* t) noexcept nogil                         # bytes of directory and buckets
