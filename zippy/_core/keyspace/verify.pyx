# Everything is counted anew and compared with what the tables say; a fault is a sentence, NULL is none.

from zippy._core.ground.hashtable cimport HashTable, HtIter, ht_find, ht_iter, ht_iter_done, ht_iter_next
from zippy._core.values.entry cimport ENTRY_EXPIRY, Entry, entry_key


cdef uint64_t counted(HashTable* t) noexcept nogil:
    cdef HtIter it
    cdef uint64_t count = 0
    ht_iter(&it, t)
    while ht_iter_next(&it) != NULL:
        count += 1
    ht_iter_done(&it)
    return count


cdef const char* entry_fault(Db* db, Entry* e) noexcept nogil:
    cdef void* timed
    if ht_find(&db.keys, entry_key(e)) != e:
        return b"another entry is found under an entry's key"
    timed = ht_find(&db.expires, entry_key(e))
    if e.flags & ENTRY_EXPIRY and timed != e:
        return b"an entry with an expiry is not the one among the expires"
    if not e.flags & ENTRY_EXPIRY and timed != NULL:
        return b"a key without an expiry is among the expires"
    return NULL


cdef const char* db_fault(Db* db) noexcept nogil:
    cdef HtIter it
    cdef Entry* e
    cdef uint64_t expiring = 0
    cdef const char* fault = NULL
    if counted(&db.keys) != db.keys.count or counted(&db.expires) != db.expires.count:
        return b"a table does not hold as many entries as it says"
    ht_iter(&it, &db.keys)
    e = <Entry*>ht_iter_next(&it)
    while e != NULL and fault == NULL:
        expiring += (e.flags & ENTRY_EXPIRY) != 0
        fault = entry_fault(db, e)
        e = <Entry*>ht_iter_next(&it)
    ht_iter_done(&it)
    if fault == NULL and expiring != db.expires.count:
        fault = b"the expires hold what is no key"
    return fault
