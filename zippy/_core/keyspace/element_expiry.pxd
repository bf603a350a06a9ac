"""Expiry of a value's elements in the keyspace: at access, in bulk, and in the background.

A handler that finds an element whose time is over calls `expire_element`, and `elements_expired` when it has looked at all that it
wanted; one that changes elements asks `elements_next` before and calls `elements_changed` after, so that the key table finds the value when
its next element is due. Elements that may not be deleted yet (CLIENT PAUSE, a replica) are absent to every handler all the same.
"""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.keyspace.key_table cimport kt_elements_changed
from zippy._core.keyspace.types cimport Db, Keyspace
from zippy._core.values.entry cimport ENTRY_ELEMENTS, NO_EXPIRY, Entry
from zippy._core.values.value cimport value_next_expiry

cdef enum:
    EXPIRE_AT_ONCE = 512         # elements that one command removes beside what it was asked for


cdef inline bint element_is_over(const Db* db, int64_t expiry) noexcept nogil:
    """Whether an element that expires then, or never (NO_EXPIRY), is absent now."""
    return expiry != NO_EXPIRY and expiry < db.keyspace.clock.ms and not db.keyspace.loading and not db.keyspace.obeys


cdef inline bint element_is_due(const Db* db, int64_t expiry) noexcept nogil:
    """Whether it goes when elements are removed because time passes: also in its very last millisecond, as in Redis."""
    return expiry != NO_EXPIRY and expiry <= db.keyspace.clock.ms and not db.keyspace.loading and not db.keyspace.obeys


cdef inline int64_t elements_next(const Entry* e) noexcept nogil:
    """When the first element expires, or NO_EXPIRY; e may be NULL."""
    return value_next_expiry(e) if e != NULL and e.flags & ENTRY_ELEMENTS else <int64_t>NO_EXPIRY


cdef inline void elements_changed(Db* db, Entry* e, int64_t before) noexcept nogil:
    """Elements were added, removed or given another expiry; before: what elements_next said then."""
    if before != NO_EXPIRY or e.flags & ENTRY_ELEMENTS:
        kt_elements_changed(&db.table, e, before)


# Removes an element whose time is over and propagates that, if it may be removed now; True: it was. Ends with elements_expired
cdef bint expire_element(Db* db, Entry* e, Slice name) noexcept nogil
# Tells that elements were removed, and deletes the key with the last one; True: it is gone
cdef bint elements_expired(Db* db, Slice key, Entry* e) noexcept nogil
# Removes elements that are due, at most so many (a large value of which all are goes at once), and tells of it; how many. If the last one
# went, e is gone
cdef uint64_t expire_elements(Db* db, Entry* e, uint64_t most) noexcept nogil
# Active expiry, for as long as so many us have not passed since `began` (clock_ticks); True: there is more that is over
cdef bint expire_elements_cycle(Keyspace* ks, int64_t budget_us, uint64_t began) noexcept nogil
