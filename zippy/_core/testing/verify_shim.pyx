# A keyspace whose tables can be harmed in ways that no command may, for tests of what finds that.

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.keyspace.db cimport keyspace_free, keyspace_init, put_new
from zippy._core.keyspace.key_table cimport kt_find, kt_insert, kt_remove, kt_set_expiring
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.keyspace.verify cimport db_fault
from zippy._core.values.entry cimport Entry, entry_free_block, entry_new_text
from zippy._core.values.settings cimport Settings, settings_defaults


cdef inline uint64_t hash_of(bytes key):
    return hash_bytes(<const char*>key, len(key))


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

    def fault(self):
        """What is wrong, None if nothing."""
        cdef const char* fault = db_fault(self.db)
        return None if fault == NULL else fault.decode()
