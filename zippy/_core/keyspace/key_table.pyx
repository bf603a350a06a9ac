# The expiring entries have a table of their own so that expiry and eviction find them among many that never end. All three hold the same
# addresses: whatever moves an entry has to tell them.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memset
from zippy._core.ground.crc cimport SLOTS, key_slot
from zippy._core.ground.hashtable cimport (
    ht_drain, ht_free, ht_init, ht_iter, ht_iter_done, ht_memory, ht_random, ht_replace, ht_reserve, ht_scan, ht_shrink
)
from zippy._core.ground.mem cimport mem_free, mem_size, mem_zalloc
from zippy._core.ground.time_index cimport ti_contains, ti_drain, ti_first_some, ti_insert, ti_remove
from zippy._core.values.entry cimport NO_EXPIRY, entry_key_of
from zippy._core.values.value cimport value_next_expiry

cdef enum:
    EMPTY_SLOTS = 16          # are passed in the time that an entry takes


cdef void kt_init(KeyTable* t) noexcept nogil:
    ht_init(&t.all_entries, entry_key_of)
    ht_init(&t.expiring_entries, entry_key_of)
    memset(&t.element_times, 0, sizeof(TimeIndex))
    t.slot_entries = NULL
    t.drained_slots = 0
    t.by_slot = False


cdef void kt_init_like(KeyTable* t, const KeyTable* other) noexcept nogil:
    kt_init(t)
    t.by_slot = other.by_slot


cdef void kt_keep_slots(KeyTable* t) noexcept nogil:
    t.by_slot = True


cdef void kt_free(KeyTable* t) noexcept nogil:
    ht_free(&t.all_entries)
    ht_free(&t.expiring_entries)
    ti_drain(&t.element_times, UINT64_MAX)
    drain_slots(t, UINT64_MAX)


cdef void leave_entry(void* context, void* item) noexcept nogil:
    pass


cdef bint kt_drain(KeyTable* t, uint64_t entries, ht_scan_fn fn, void* context) noexcept nogil:
    # the entries are among all entries still, which go last
    if not ti_drain(&t.element_times, entries) or not drain_slots(t, entries):
        return False
    return ht_drain(&t.expiring_entries, entries, leave_entry, NULL) and ht_drain(&t.all_entries, entries, fn, context)


cdef bint drain_slots(KeyTable* t, uint64_t entries) noexcept nogil:
    """Frees what holds about so many entries of slots, one after the other; True: all is gone."""
    cdef uint64_t done = 0
    cdef HashTable* slot
    if t.slot_entries == NULL:
        return True
    while t.drained_slots < SLOTS:
        if done >= entries:
            return False
        slot = t.slot_entries[t.drained_slots]
        if slot != NULL:
            done += slot.count
            if not ht_drain(slot, entries, leave_entry, NULL):
                return False
            mem_free(slot)
        # an empty one takes time too
        done += t.drained_slots % EMPTY_SLOTS == 0
        t.drained_slots += 1
    mem_free(t.slot_entries)
    t.slot_entries = NULL
    t.drained_slots = 0
    return True


cdef void kt_take(KeyTable* into, KeyTable* t) noexcept nogil:
    into[0] = t[0]
    kt_init_like(t, into)


cdef void kt_swap(KeyTable* a, KeyTable* b) noexcept nogil:
    cdef KeyTable other = a[0]
    a[0] = b[0]
    b[0] = other


cdef void kt_replace(KeyTable* t, const Entry* old, Entry* e, uint64_t hash, bint expiring) noexcept nogil:
    ht_replace(&t.all_entries, <void*>old, e, hash)
    if expiring:
        ht_replace(&t.expiring_entries, <void*>old, e, hash)
    if e.flags & ENTRY_ELEMENTS:
        ti_remove(&t.element_times, value_next_expiry(e), old)
        kt_note_elements(t, e)
    if t.by_slot:
        ht_replace(t.slot_entries[key_slot(entry_key(e))], <void*>old, e, hash)


cdef void kt_note_slot(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil:
    cdef HashTable** slot
    if t.slot_entries == NULL:
        t.slot_entries = <HashTable**>mem_zalloc(SLOTS * sizeof(HashTable*))
    slot = &t.slot_entries[key_slot(entry_key(e))]
    if slot[0] == NULL:
        slot[0] = <HashTable*>mem_zalloc(sizeof(HashTable))
        ht_init(slot[0], entry_key_of)
    ht_insert(slot[0], e, hash)


cdef inline void drop_empty(HashTable** slot) noexcept nogil:
    """Frees a slot's table if it has no entry, unless somebody walks over it."""
    if slot[0].count == 0 and slot[0].paused == 0:
        ht_free(slot[0])
        mem_free(slot[0])
        slot[0] = NULL


cdef void kt_forget_slot(KeyTable* t, Entry* e, uint64_t hash) noexcept nogil:
    cdef HashTable** slot = &t.slot_entries[key_slot(entry_key(e))]
    ht_remove_hashed(slot[0], entry_key(e), hash)
    drop_empty(slot)


cdef void kt_set_expiring(KeyTable* t, Entry* e, uint64_t hash, bint expiring) noexcept nogil:
    if expiring:
        ht_insert(&t.expiring_entries, e, hash)
    else:
        ht_remove_hashed(&t.expiring_entries, entry_key(e), hash)


cdef void kt_note_elements(KeyTable* t, Entry* e) noexcept nogil:
    ti_insert(&t.element_times, value_next_expiry(e), e)


cdef void kt_forget_elements(KeyTable* t, const Entry* e) noexcept nogil:
    ti_remove(&t.element_times, value_next_expiry(e), e)


cdef void kt_elements_changed(KeyTable* t, Entry* e, int64_t before) noexcept nogil:
    cdef int64_t now = value_next_expiry(e) if e.flags & ENTRY_ELEMENTS else <int64_t>NO_EXPIRY
    if now == before:
        return
    if before != NO_EXPIRY:
        ti_remove(&t.element_times, before, e)
    if now != NO_EXPIRY:
        ti_insert(&t.element_times, now, e)


cdef Entry* kt_next_elements(const KeyTable* t, int64_t* moment) noexcept nogil:
    cdef void* e
    return <Entry*>e if ti_first_some(&t.element_times, moment, &e, 1) else NULL


cdef bint kt_has_elements(const KeyTable* t, const Entry* e) noexcept nogil:
    return ti_contains(&t.element_times, value_next_expiry(e), e)


cdef uint64_t kt_scan(KeyTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil:
    return ht_scan(&t.all_entries, cursor, fn, context)


cdef uint64_t kt_scan_expiring(KeyTable* t, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil:
    return ht_scan(&t.expiring_entries, cursor, fn, context)


cdef uint64_t kt_count_slot(const KeyTable* t, int slot) noexcept nogil:
    return t.slot_entries[slot].count if t.slot_entries != NULL and t.slot_entries[slot] != NULL else 0


cdef uint64_t kt_scan_slot(KeyTable* t, int slot, uint64_t cursor, ht_scan_fn fn, void* context) noexcept nogil:
    cdef uint64_t next
    if kt_count_slot(t, slot) == 0:
        return 0
    next = ht_scan(t.slot_entries[slot], cursor, fn, context)
    drop_empty(&t.slot_entries[slot])
    return next


cdef Entry* kt_find_in_slot(KeyTable* t, int slot, Slice key) noexcept nogil:
    return <Entry*>ht_find(t.slot_entries[slot], key) if kt_count_slot(t, slot) else NULL


cdef void kt_iter(KeyIter* it, KeyTable* t) noexcept nogil:
    ht_iter(&it.place, &t.all_entries)


cdef void kt_iter_expiring(KeyIter* it, KeyTable* t) noexcept nogil:
    ht_iter(&it.place, &t.expiring_entries)


cdef void kt_iter_done(KeyIter* it) noexcept nogil:
    ht_iter_done(&it.place)


cdef Entry* kt_random(KeyTable* t, Random* r) noexcept nogil:
    return <Entry*>ht_random(&t.all_entries, r)


cdef Entry* kt_random_expiring(KeyTable* t, Random* r) noexcept nogil:
    return <Entry*>ht_random(&t.expiring_entries, r)


cdef Entry* kt_find_expiring(KeyTable* t, Slice key) noexcept nogil:
    return <Entry*>ht_find(&t.expiring_entries, key)


cdef void kt_reserve(KeyTable* t, uint64_t entries, uint64_t expiring) noexcept nogil:
    ht_reserve(&t.all_entries, entries)
    ht_reserve(&t.expiring_entries, expiring)


cdef void kt_shrink(KeyTable* t, uint64_t steps) noexcept nogil:
    ht_shrink(&t.all_entries, steps)
    ht_shrink(&t.expiring_entries, steps)


cdef size_t kt_memory(const KeyTable* t) noexcept nogil:
    cdef size_t bytes = ht_memory(&t.all_entries)
    cdef int slot
    if t.slot_entries == NULL:
        return bytes
    for slot in range(SLOTS):
        if t.slot_entries[slot] != NULL:
            bytes += mem_size(t.slot_entries[slot]) + ht_memory(t.slot_entries[slot])
    return bytes + SLOTS * sizeof(HashTable*)


cdef size_t kt_memory_expiring(const KeyTable* t) noexcept nogil:
    return ht_memory(&t.expiring_entries) + t.element_times.node_bytes
