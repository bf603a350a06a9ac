# A HashTable of byte strings for tests. It owns its items: blocks of length and bytes.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport (
    HashTable, HtIter, ht_drain, ht_find, ht_free, ht_init, ht_insert, ht_iter, ht_iter_done, ht_iter_next, ht_memory,
    ht_prefetch, ht_random, ht_remove, ht_replace, ht_reserve, ht_scan, ht_shrink,
)
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_free
from zippy._core.ground.random cimport Random, random_seed


cdef struct Item:
    size_t len


cdef struct Visit:
    HashTable* table
    void** items
    size_t count
    size_t removed
    bint remove


cdef void item_key(const void* item, Slice* key) noexcept nogil:
    key[0] = slice_of(<const char*>item + sizeof(Item), (<Item*>item).len)


cdef bytes item_bytes(const void* item):
    return (<const char*>item + sizeof(Item))[:(<Item*>item).len]


cdef void* item_new(bytes key) except NULL:
    cdef Item* item = <Item*>mem_alloc(sizeof(Item) + len(key))
    item.len = len(key)
    memcpy(<char*>item + sizeof(Item), <const char*>key, item.len)
    return item


cdef Slice slice_from(bytes key):
    return slice_of(<const char*>key, len(key))


cdef uint64_t hash_of(bytes key):
    return hash_bytes(<const char*>key, len(key))


cdef void count_item(void* context, void* item) noexcept nogil:
    cdef Visit* visit = <Visit*>context
    visit.items[visit.count] = item
    visit.count += 1
    cdef Slice key
    if visit.remove:
        item_key(item, &key)
        ht_remove(visit.table, key)
        visit.removed += 1


cdef class Table:
    """A hash table of byte strings with an account of its own."""

    cdef HashTable table
    cdef Account account
    cdef Random random

    def __cinit__(self, seed=1):
        ht_init(&self.table, item_key)
        random_seed(&self.random, seed)

    def __dealloc__(self):
        self.clear()

    def clear(self):
        """Free the items and the table."""
        cdef Account* before = mem_charged()
        cdef HtIter it
        cdef void* item
        mem_charge_to(&self.account)
        ht_iter(&it, &self.table)
        item = ht_iter_next(&it)
        while item != NULL:
            mem_free(item)
            item = ht_iter_next(&it)
        ht_free(&self.table)
        mem_charge_to(before)

    def add(self, bytes key):
        """Insert the key unless it is there; whether it was inserted."""
        cdef Account* before = mem_charged()
        ht_prefetch(&self.table, hash_of(key))
        if ht_find(&self.table, slice_from(key)) != NULL:
            return False
        mem_charge_to(&self.account)
        ht_insert(&self.table, item_new(key), hash_of(key))
        mem_charge_to(before)
        return True

    def add_range(self, start, stop):
        """Insert the decimal texts of start .. stop - 1, which must be absent."""
        for n in range(start, stop):
            self.add(b"%d" % n)

    def discard(self, bytes key):
        """Remove the key; whether it was there."""
        cdef Account* before = mem_charged()
        cdef void* item
        mem_charge_to(&self.account)
        item = ht_remove(&self.table, slice_from(key))
        mem_free(item)
        mem_charge_to(before)
        return item != NULL

    def __contains__(self, bytes key):
        cdef void* item = ht_find(&self.table, slice_from(key))
        assert item == NULL or item_bytes(item) == key
        return item != NULL

    def move(self, bytes key):
        """Put a copy of the item in its place after the old one was freed; whether the key is there."""
        cdef Account* before = mem_charged()
        cdef void* old = ht_find(&self.table, slice_from(key))
        cdef void* copy
        if old == NULL:
            return False
        mem_charge_to(&self.account)
        copy = item_new(key)
        mem_free(old)
        ht_replace(&self.table, old, copy, hash_of(key))
        mem_charge_to(before)
        return ht_find(&self.table, slice_from(key)) == copy

    def scan(self, cursor, remove=False):
        """One step: the next cursor and the keys; with remove, each is removed as it is reported."""
        cdef Account* before = mem_charged()
        cdef Visit visit
        cdef uint64_t next_cursor
        mem_charge_to(&self.account)
        visit.table = &self.table
        visit.items = <void**>mem_alloc((self.table.count + 1) * sizeof(void*))
        visit.count = visit.removed = 0
        visit.remove = remove
        next_cursor = ht_scan(&self.table, cursor, count_item, &visit)
        keys = [item_bytes(visit.items[i]) for i in range(visit.count)]
        if remove:
            for i in range(visit.count):
                mem_free(visit.items[i])
        mem_free(visit.items)
        mem_charge_to(before)
        return next_cursor, keys

    def shrink(self, steps):
        """Steps towards the size that the items need; whether nothing is left to do."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        done = ht_shrink(&self.table, steps)
        mem_charge_to(before)
        return bool(done)

    def drain(self, items):
        """A step of freeing all: whether that was all, and the keys freed."""
        cdef Account* before = mem_charged()
        cdef Visit visit
        mem_charge_to(&self.account)
        visit.remove = False
        visit.items = <void**>mem_alloc((self.table.count + 1) * sizeof(void*))
        visit.count = 0
        done = ht_drain(&self.table, items, count_item, &visit)
        keys = [item_bytes(visit.items[i]) for i in range(visit.count)]
        for i in range(visit.count):
            mem_free(visit.items[i])
        mem_free(visit.items)
        mem_charge_to(before)
        return bool(done), keys

    def walk(self, remove=lambda key: False, extra=()):
        """The keys in iteration order; removes those for which remove(key) holds, and adds one of extra after each key."""
        cdef Account* before = mem_charged()
        cdef HtIter it
        cdef void* item
        keys = []
        extra = list(extra)
        ht_iter(&it, &self.table)
        item = ht_iter_next(&it)
        while item != NULL:
            key = item_bytes(item)
            keys.append(key)
            if remove(key):
                self.discard(key)
            if extra:
                self.add(extra.pop())
            item = ht_iter_next(&it)
        mem_charge_to(&self.account)
        ht_iter_done(&it)
        mem_charge_to(before)
        return keys

    def pick(self):
        """A random key, or None."""
        cdef void* item = ht_random(&self.table, &self.random)
        return None if item == NULL else item_bytes(item)

    def reserve(self, count):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        ht_reserve(&self.table, count)
        mem_charge_to(before)

    def pause(self):
        self.table.paused += 1

    def resume(self):
        self.table.paused -= 1

    def __len__(self):
        return self.table.count

    @property
    def buckets(self):
        return self.table.buckets

    @property
    def deepest(self):
        return self.table.deepest

    @property
    def memory(self):
        return ht_memory(&self.table)

    @property
    def used(self):
        return self.account.used

    @property
    def blocks(self):
        return self.account.blocks
