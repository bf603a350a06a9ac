# A keyspace whose tables can be harmed in ways that no command may, for tests of what finds that.

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_find, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_charge_to
from zippy._core.keyspace.db cimport keyspace_free, keyspace_init, put_new
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.keyspace.verify cimport db_fault
from zippy._core.values.entry cimport Entry, entry_free_block, entry_key, entry_new_text
from zippy._core.values.settings cimport Settings, settings_defaults


cdef class Tables:
    """Database 0 of a keyspace."""

    cdef Keyspace* ks
    cdef Settings settings
    cdef Db* db
    cdef Entry* loose           # an entry that one table lacks, or NULL

    def __cinit__(self):
        self.ks = <Keyspace*>calloc(1, sizeof(Keyspace))
        if self.ks == NULL:
            raise MemoryError
        mem_charge_to(NULL)
        settings_defaults(&self.settings)
        keyspace_init(self.ks, 1, &self.settings, 1)
        self.db = self.ks.dbs[0]

    def __dealloc__(self):
        mem_charge_to(NULL)
        keyspace_free(self.ks)
        if self.loose != NULL:
            entry_free_block(self.loose)
        free(self.ks)

    cdef Entry* fresh(self, bytes key, int64_t expiry):
        return entry_new_text(slice_of(<const char*>key, len(key)), slice_of(b"value", 5), expiry)

    def put(self, bytes key, int64_t expiry=-1):
        """Puts a string under a key that is not there."""
        put_new(self.db, self.fresh(key, expiry))

    def put_again(self, bytes key, int64_t expiry=-1):
        """Puts a second entry under the same key."""
        cdef Entry* e = self.fresh(key, expiry)
        cdef Slice name = entry_key(e)
        ht_insert(&self.db.keys, e, hash_bytes(name.ptr, name.len))

    def forget(self, bytes key):
        """Takes a key out of the keys alone."""
        self.loose = <Entry*>ht_remove(&self.db.keys, slice_of(<const char*>key, len(key)))

    def forget_expiry(self, bytes key):
        """Takes a key out of the expires alone."""
        ht_remove(&self.db.expires, slice_of(<const char*>key, len(key)))

    def expire_by_mistake(self, bytes key):
        """Puts a key that has no expiry among the expires."""
        cdef Entry* e = <Entry*>ht_find(&self.db.keys, slice_of(<const char*>key, len(key)))
        ht_insert(&self.db.expires, e, hash_bytes(<const char*>key, len(key)))

    def fault(self):
        """What is wrong, None if nothing."""
        cdef const char* fault = db_fault(self.db)
        return None if fault == NULL else fault.decode()
