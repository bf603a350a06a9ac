"""The one door to a database's keys: whatever finds, puts, walks or counts them goes through these functions.

A KeyTable is a hash table of all entries, one of those that have an expiry, and an index of those whose elements have one, by when the
first of them is due. Nobody else names them (tests/floors holds that), so what a table of keys is made of is decided here alone.
What commands call for each key is inline: it costs what the hash table's own functions cost.

In a cluster there is also a hash table of entries for each slot that has any. So a slot's keys are counted, listed and flushed without a
look at the others, while finding a key, SCAN, samples and walks are what they are without a cluster: no second step on the way to a key,
cursors and draws over one table. It costs some nine bytes a key, and a new or a removed key a second insertion or removal.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport (
    Bucket, HashTable, HtIter, ht_find, ht_find_hashed, ht_insert, ht_iter_next, ht_prefetch, ht_prefetch_item, ht_remove_hashed, ht_scan_fn
)
from zippy._core.ground.random cimport Random
from zippy._core.ground.time_index cimport TimeIndex
from zippy._core.values.entry cimport ENTRY_ELEMENTS, ENTRY_EXPIRY, Entry, entry_key


cdef struct KeyTable:
    HashTable all_entries        # Entry; owned by who owns the table
    HashTable expiring_entries   # those of them that have an expiry
    TimeIndex element_times      # those whose elements expire, by their next expiry
    HashTable** slot_entries     # all entries by slot: SLOTS tables, NULL for a slot without a key; NULL: there is none with one
    int drained_slots            # kt_drain has been through so many
    bint by_slot                 # slot_entries are kept


cdef struct KeyIter:
    HtIter place                 # in the hash table that is read


cdef void kt_init(KeyTable* t) noexcept nogil
cdef void kt_init_like(KeyTable* t, const KeyTable* other) noexcept nogil    # the same; its keys are told apart by slot if the other's are
cdef void kt_keep_slots(KeyTable* t) noexcept nogil                      # has its keys told apart by slot; it must be empty
# What holds the entries, which are the caller's; the table is empty and usable again
cdef void kt_free(KeyTable* t) noexcept nogil
# Hands about so many entries to fn, which frees them, and frees what held them; True: all is gone, as after kt_free; until then only this
# may be called and the entries be counted
cdef bint kt_drain(KeyTable* t, uint64_t entries, ht_scan_fn fn, void* context) noexcept nogil
cdef void kt_take(KeyTable* into, KeyTable* t) noexcept nogil            # all that t holds, which is empty then; `into` is overwritten
cdef void kt_swap(KeyTable* a, KeyTable* b) noexcept nogil

# The entry has moved from `old`, which is not read (it may be freed), to e; expiring: it has had an expiry
cdef void kt_replace(KeyTable* t, const Entry* old, Entry* e, uint64_t hash, bint expiring) noexcept nogil
# An entry that is in the table has got an expiry, or has none any more
cdef void kt_set_expiring(KeyTable* t, Entry* e, uint64_t hash, bint expiring) noexcept nogil

# After the elements of an entry in the table changed, whose first one was due at `before` (NO_EXPIRY: none expired)
cdef void kt_elements_changed(KeyTable* t, Entry* e, int64_t before) noexcept nogil
# The entry is to leave the index of those whose elements expire, where it is now, or to come to it
cdef void kt_forget_elements(KeyTable* t, const Entry* e) noexcept nogil
cdef void kt_note_elements(KeyTable* t, Entry* e) noexcept nogil
# The entry whose element expires first of all, and when; NULL: no element expires
cdef Entry* kt_next_elements(const KeyTable* t, int64_t* moment) noexcept nogil
cdef bint kt_has_elements(const KeyTable* t, const Entry* e) noexcept nogil      # for who doubts the tables: is an entry in the index

# One step of a scan, as ht_scan: fn may remove the entry that it is given and no other. The next cursor, 0: all was seen
cdef uint64_t kt_scan(KeyTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil
cdef uint64_t kt_scan_expiring(KeyTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil
# Every entry once: any may be removed meanwhile, one that is put may be missed; end with kt_iter_done
cdef void kt_iter(KeyIter* it, KeyTable* t) noexcept nogil
cdef void kt_iter_expiring(KeyIter* it, KeyTable* t) noexcept nogil
cdef void kt_iter_done(KeyIter* it) noexcept nogil
cdef Entry* kt_random(KeyTable* t, Random* r) noexcept nogil             # uniform over the entries, NULL if there are none
cdef Entry* kt_random_expiring(KeyTable* t, Random* r) noexcept nogil
cdef Entry* kt_find_expiring(KeyTable* t, Slice key) noexcept nogil      # for who doubts the tables: an entry's flag tells it, too

# The entries of one slot, of a table whose keys are told apart
cdef uint64_t kt_count_slot(const KeyTable* t, int slot) noexcept nogil
cdef uint64_t kt_scan_slot(KeyTable* t, int slot, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil      # as kt_scan
cdef Entry* kt_find_in_slot(KeyTable* t, int slot, Slice key) noexcept nogil     # for who doubts the tables

cdef void kt_reserve(KeyTable* t, uint64_t entries, uint64_t expiring) noexcept nogil    # makes room for so many at once
cdef void kt_shrink(KeyTable* t, uint64_t steps) noexcept nogil          # what removals left too large, by so many steps at most
cdef size_t kt_memory(const KeyTable* t) noexcept nogil                  # bytes that the entries' places take
cdef size_t kt_memory_expiring(const KeyTable* t) noexcept nogil         # bytes that the expiring ones' take beside that


# for kt_insert and kt_remove
cdef void kt_note_slot(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil
cdef void kt_forget_slot(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil


cdef inline bint kt_keeps_slots(const KeyTable* t) noexcept nogil:
    """Whether its keys are told apart by slot."""
    return t.by_slot


cdef inline uint64_t kt_count(const KeyTable* t) noexcept nogil:
    """How many entries there are."""
    return t.all_entries.count


cdef inline uint64_t kt_count_expiring(const KeyTable* t) noexcept nogil:
    """How many of them have an expiry."""
    return t.expiring_entries.count


cdef inline uint64_t kt_count_elements(const KeyTable* t) noexcept nogil:
    """How many of them have elements that expire."""
    return t.element_times.count


cdef inline Entry* kt_find(KeyTable* t, Slice key) noexcept nogil:
    """The entry, expired or not; NULL: there is none."""
    return <Entry*>ht_find(&t.all_entries, key)


cdef inline Entry* kt_find_hashed(KeyTable* t, Slice key, uint64_t hash) noexcept nogil:
    """kt_find for who has hashed the key already."""
    return <Entry*>ht_find_hashed(&t.all_entries, key, hash)


cdef inline void kt_insert(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil:
    """Puts an entry whose key must be absent; hash is hash_bytes of the key."""
    ht_insert(&t.all_entries, e, hash)
    if e.flags & ENTRY_EXPIRY:
        ht_insert(&t.expiring_entries, e, hash)
    if e.flags & ENTRY_ELEMENTS:
        kt_note_elements(t, e)
    if t.by_slot:
        kt_note_slot(t, e, hash)


cdef inline void kt_remove(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil:
    """Takes out an entry that is there; it is the caller's then."""
    if e.flags & ENTRY_EXPIRY:
        ht_remove_hashed(&t.expiring_entries, entry_key(e), hash)
    if e.flags & ENTRY_ELEMENTS:
        kt_forget_elements(t, e)
    if t.by_slot:
        kt_forget_slot(t, e, hash)
    ht_remove_hashed(&t.all_entries, entry_key(e), hash)


cdef inline const Bucket* kt_prefetch(KeyTable* t, Slice key, uint64_t hash) noexcept nogil:
    """Has the cache line fetched in which a key's entry is found, and says where that is; NULL: the table is empty."""
    return ht_prefetch(&t.all_entries, hash)


cdef inline void kt_prefetch_entry(const Bucket* place, uint64_t hash) noexcept nogil:
    """Has the entry itself fetched; reads what kt_prefetch has asked for. The table must not have changed since."""
    ht_prefetch_item(place, hash)


cdef inline Entry* kt_iter_next(KeyIter* it) noexcept nogil:
    """The next entry, NULL at the end."""
    return <Entry*>ht_iter_next(&it.place)
