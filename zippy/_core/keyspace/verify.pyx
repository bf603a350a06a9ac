# Everything is counted anew and compared with what the tables say; a fault is a sentence, NULL is none.

from zippy._core.ground.crc cimport SLOTS, key_slot
from zippy._core.keyspace.key_table cimport (
    KeyIter, kt_count, kt_count_elements, kt_count_expiring, kt_count_slot, kt_find, kt_find_expiring, kt_find_in_slot, kt_has_elements,
    kt_iter, kt_iter_done, kt_iter_expiring, kt_iter_next, kt_keeps_slots
)
from zippy._core.values.entry cimport ENTRY_ELEMENTS, ENTRY_EXPIRY, Entry, entry_key


cdef uint64_t counted(KeyIter* it) noexcept nogil:
    """How many entries an iteration that has just begun comes to; ends it."""
    cdef uint64_t count = 0
    while kt_iter_next(it) != NULL:
        count += 1
    kt_iter_done(it)
    return count


cdef bint counts_agree(Db* db) noexcept nogil:
    cdef KeyIter entries
    cdef KeyIter expiring
    kt_iter(&entries, &db.table)
    kt_iter_expiring(&expiring, &db.table)
    return counted(&entries) == kt_count(&db.table) and counted(&expiring) == kt_count_expiring(&db.table)


cdef const char* entry_fault(Db* db, Entry* e) noexcept nogil:
    cdef Entry* timed
    if kt_find(&db.table, entry_key(e)) != e:
        return b"another entry is found under an entry's key"
    timed = kt_find_expiring(&db.table, entry_key(e))
    if e.flags & ENTRY_EXPIRY and timed != e:
        return b"an entry with an expiry is not the one among the expires"
    if not e.flags & ENTRY_EXPIRY and timed != NULL:
        return b"a key without an expiry is among the expires"
    if e.flags & ENTRY_ELEMENTS and not kt_has_elements(&db.table, e):
        return b"a value with expiring elements is not found by its next expiry"
    if kt_keeps_slots(&db.table) and kt_find_in_slot(&db.table, key_slot(entry_key(e)), entry_key(e)) != e:
        return b"an entry is not the one in its slot"
    return NULL


cdef bint slots_agree(Db* db) noexcept nogil:
    """Whether the slots have as many entries as there are."""
    cdef uint64_t count = 0
    cdef int slot
    for slot in range(SLOTS if kt_keeps_slots(&db.table) else 0):
        count += kt_count_slot(&db.table, slot)
    return not kt_keeps_slots(&db.table) or count == kt_count(&db.table)


cdef const char* db_fault(Db* db) noexcept nogil:
    cdef KeyIter it
    cdef Entry* e
    cdef uint64_t expiring = 0
    cdef uint64_t elements = 0
    cdef const char* fault = NULL
    if not counts_agree(db):
        return b"a table does not hold as many entries as it says"
    kt_iter(&it, &db.table)
    e = kt_iter_next(&it)
    while e != NULL and fault == NULL:
        expiring += (e.flags & ENTRY_EXPIRY) != 0
        elements += (e.flags & ENTRY_ELEMENTS) != 0
        fault = entry_fault(db, e)
        e = kt_iter_next(&it)
    kt_iter_done(&it)
    if fault == NULL and expiring != kt_count_expiring(&db.table):
        fault = b"the expires hold what is no key"
    if fault == NULL and elements != kt_count_elements(&db.table):
        fault = b"the index of values with expiring elements holds what is none"
    if fault == NULL and not slots_agree(db):
        fault = b"the slots do not hold as many entries as there are"
    return fault
