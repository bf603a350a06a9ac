# A keyspace whose tables can be harmed in ways that no command may, for tests of what finds that; and what no command shows of them.

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy
from libc.stdlib cimport calloc, free
from cpython.bytes cimport PyBytes_FromStringAndSize
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_free, mem_size
from zippy._core.keyspace.db cimport db_set_expiry, delete_key, flush_db, keyspace_free, keyspace_init, put_new
from zippy._core.keyspace.key_table cimport (
    KeyTable, kt_count, kt_count_slot, kt_drain, kt_find, kt_insert, kt_keep_slots, kt_memory, kt_remove, kt_replace, kt_scan_slot,
    kt_set_expiring, kt_swap, kt_take
)
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.keyspace.verify cimport db_fault
from zippy._core.values.entry cimport ENTRY_EXPIRY, Entry, entry_free_block, entry_key, entry_new_text
from zippy._core.values.settings cimport Settings, settings_defaults


cdef inline uint64_t hash_of(bytes key):
    return hash_bytes(<const char*>key, len(key))


cdef void append_key(void* context, void* item) noexcept with gil:
    cdef Slice key = entry_key(<Entry*>item)
    (<list>context).append(PyBytes_FromStringAndSize(key.ptr, key.len))


cdef void delete_entry(void* context, void* item) noexcept nogil:
    delete_key(<Db*>context, entry_key(<Entry*>item))


cdef void free_drained(void* context, void* item) noexcept nogil:
    entry_free_block(<Entry*>item)


cdef class Tables:
    """Database 0 of a keyspace."""

    cdef Keyspace* ks
    cdef Settings settings
    cdef Db* db
    cdef Entry* loose           # an entry that one table lacks, or NULL

    def __cinit__(self, bint in_cluster=False):
        self.ks = <Keyspace*>calloc(1, sizeof(Keyspace))
        if self.ks == NULL:
            raise MemoryError
        mem_charge_to(NULL)
        settings_defaults(&self.settings)
        keyspace_init(self.ks, 1, &self.settings, 1)
        self.db = self.ks.dbs[0]
        if in_cluster:
            kt_keep_slots(&self.db.table)

    def __dealloc__(self):
        cdef Account* charged = mem_charged()
        mem_charge_to(NULL)
        keyspace_free(self.ks)
        if self.loose != NULL:
            entry_free_block(self.loose)
        free(self.ks)
        # the collector runs this in the middle of another engine's command
        mem_charge_to(charged)

    cdef Entry* fresh(self, bytes key, int64_t expiry):
        return entry_new_text(slice_of(<const char*>key, len(key)), slice_of(b"value", 5), expiry)

    cdef Entry* find(self, bytes key):
        return kt_find(&self.db.table, slice_of(<const char*>key, len(key)))

    def put(self, bytes key, int64_t expiry=-1):
        """Puts a string under a key that is not there."""
        put_new(self.db, self.fresh(key, expiry))

    def put_again(self, bytes key, int64_t expiry=-1):
        """Puts a second entry under the same key."""
        kt_insert(&self.db.table, self.fresh(key, expiry), hash_of(key))

    def forget(self, bytes key):
        """Takes a key that has an expiry out of the keys alone."""
        self.loose = self.find(key)
        kt_remove(&self.db.table, self.loose, hash_of(key))
        kt_set_expiring(&self.db.table, self.loose, hash_of(key), True)

    def forget_expiry(self, bytes key):
        """Takes a key out of the expires alone."""
        kt_set_expiring(&self.db.table, self.find(key), hash_of(key), False)

    def expire_by_mistake(self, bytes key):
        """Puts a key that has no expiry among the expires."""
        kt_set_expiring(&self.db.table, self.find(key), hash_of(key), True)

    # What no command shows

    def has(self, bytes key):
        """Whether there is such a key."""
        return self.find(key) != NULL

    def delete(self, bytes key):
        """Deletes a key; False: it was not there."""
        return delete_key(self.db, slice_of(<const char*>key, len(key)))

    def expire(self, bytes key, int64_t expiry):
        """Gives a key that is there an expiry, and takes it away with -1: its entry may move for it."""
        db_set_expiry(self.db, self.find(key), expiry)

    def move(self, bytes key):
        """Moves the entry of a key that is there to another address, as compaction does."""
        cdef Entry* e = self.find(key)
        cdef Entry* fresh = <Entry*>mem_alloc(mem_size(e))
        memcpy(fresh, e, mem_size(e))
        kt_replace(&self.db.table, e, fresh, hash_of(key), e.flags & ENTRY_EXPIRY)
        mem_free(e)

    def count(self):
        """How many keys there are."""
        return kt_count(&self.db.table)

    def count_slot(self, int slot):
        """How many keys of a slot."""
        return kt_count_slot(&self.db.table, slot)

    def scan_slot(self, int slot, uint64_t cursor, list keys):
        """One step of a scan over a slot's keys; the next cursor."""
        return kt_scan_slot(&self.db.table, slot, cursor, append_key, <void*>keys)

    def delete_slot(self, int slot):
        """Deletes all keys of a slot in a scan over it."""
        cdef uint64_t cursor = kt_scan_slot(&self.db.table, slot, 0, delete_entry, self.db)
        while cursor:
            cursor = kt_scan_slot(&self.db.table, slot, cursor, delete_entry, self.db)

    def flush(self):
        """Flushes the database at once."""
        flush_db(self.db, False)

    def drain(self, uint64_t entries):
        """Takes the table aside and frees so many entries at a time; the steps that it took."""
        cdef KeyTable aside
        cdef int steps = 1
        kt_take(&aside, &self.db.table)
        while not kt_drain(&aside, entries, free_drained, NULL):
            steps += 1
        return steps

    def swap(self, Tables other):
        """Changes tables with another keyspace."""
        kt_swap(&self.db.table, &other.db.table)

    def memory(self):
        """Bytes of what holds the entries."""
        return kt_memory(&self.db.table)

    def fault(self):
        """What is wrong, None if nothing."""
        cdef const char* fault = db_fault(self.db)
        return None if fault == NULL else fault.decode()
