# What expires is propagated as the command that removes it, many elements in one request; a large value of which all is over goes as a key
# does, and is freed in steps.

from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.clock cimport clock_ticks, clock_ticks_per_us
from zippy._core.keyspace.db cimport detach
from zippy._core.keyspace.effects cimport mutated, notify, propagate, propagate_delete, touched
from zippy._core.keyspace.key_table cimport kt_next_elements
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.live cimport live_save_first, live_wants
from zippy._core.keyspace.types cimport NOTIFY_GENERIC
from zippy._core.values.element_expiry cimport EXPIRING_SOME, ElementOps, ExpiringElement
from zippy._core.values.entry cimport entry_key
from zippy._core.values.value cimport value_length, value_ops

cdef enum:
    LARGE = 64                  # elements: a larger value of which all are over goes at once


cdef inline bint may_expire(const Db* db) noexcept nogil:
    return not (db.keyspace.replica | db.keyspace.expiry_paused | db.keyspace.loading)


cdef void delete_emptied(Db* db, Slice key) noexcept nogil:
    """Deletes a key, which may be the entry's own, and tells of it."""
    cdef Entry* e = detach(db, key)
    notify(db, NOTIFY_GENERIC, b"del", key)
    touched(db, key)
    free_entry(db.keyspace, e)


cdef bint expire_element(Db* db, Entry* e, Slice name) noexcept nogil:
    cdef const ElementOps* ops = value_ops(e).elements
    cdef Slice[3] request = [slice_text(ops.remove_command), entry_key(e), name]
    cdef int64_t before
    if not may_expire(db):
        return False
    if live_wants(db.keyspace, e):
        live_save_first(db, e)
    propagate(db, 3, request)
    before = elements_next(e)
    ops.remove(e, name)
    elements_changed(db, e, before)
    db.keyspace.stats.expired_elements += 1
    return True


cdef bint elements_expired(Db* db, Slice key, Entry* e) noexcept nogil:
    cdef const ElementOps* ops = value_ops(e).elements
    mutated(db, key, ops.event_class, ops.event, 0)
    if value_length(e):
        return False
    delete_emptied(db, key)
    return True


cdef uint64_t expire_some(Db* db, Entry* e, uint64_t most) noexcept nogil:
    """Removes the first few elements that are due; how many."""
    cdef const ElementOps* ops = value_ops(e).elements
    cdef ExpiringElement some[EXPIRING_SOME]
    cdef Slice[EXPIRING_SOME + 2] request
    cdef int found = ops.first_expiring(e, some)
    cdef int64_t before = elements_next(e)
    cdef int over = 0
    while over < found and over < <int64_t>most and element_is_due(db, some[over].moment):
        request[over + 2] = some[over].name
        over += 1
    if over == 0:
        return 0
    request[0] = slice_text(ops.remove_command)
    request[1] = entry_key(e)
    propagate(db, over + 2, request)
    ops.remove_first(e, over)
    elements_changed(db, e, before)
    db.keyspace.stats.expired_elements += <uint64_t>over
    return <uint64_t>over


cdef uint64_t expire_whole(Db* db, Entry* e) noexcept nogil:
    """Deletes a value of which all elements are due; how many these were."""
    cdef const ElementOps* ops = value_ops(e).elements
    cdef uint64_t count = value_length(e)
    cdef Slice key = entry_key(e)
    db.keyspace.stats.expired_elements += count
    propagate_delete(db, key, db.keyspace.settings.lazyfree_lazy_expire)
    notify(db, ops.event_class, ops.event, key)
    delete_emptied(db, key)
    return count


cdef uint64_t expire_elements(Db* db, Entry* e, uint64_t most) noexcept nogil:
    cdef uint64_t expired = 0
    cdef uint64_t count = 1
    if not may_expire(db) or not element_is_due(db, elements_next(e)):
        return 0
    if value_length(e) > LARGE and element_is_due(db, value_ops(e).elements.last_expiry(e)):
        return expire_whole(db, e)
    if live_wants(db.keyspace, e):
        live_save_first(db, e)
    while count and expired < most:
        count = expire_some(db, e, most - expired)
        expired += count
    elements_expired(db, entry_key(e), e)
    return expired


cdef bint expire_in_db(Db* db, int64_t budget_us, uint64_t began) noexcept nogil:
    """True: the time is over and there is more to do."""
    cdef int64_t moment = NO_EXPIRY
    cdef Entry* e = kt_next_elements(&db.table, &moment)
    while e != NULL and element_is_due(db, moment):
        expire_elements(db, e, 2 * EXPIRING_SOME)
        if (clock_ticks() - began) / clock_ticks_per_us() > budget_us:
            return True
        e = kt_next_elements(&db.table, &moment)
    return False


cdef bint expire_elements_cycle(Keyspace* ks, int64_t budget_us, uint64_t began) noexcept nogil:
    cdef int i
    for i in range(ks.db_count):
        # the database that was next when time ran out comes first now
        if expire_in_db(ks.dbs[(ks.expire_elements_db + i) % ks.db_count], budget_us, began):
            ks.expire_elements_db = (ks.expire_elements_db + i) % ks.db_count
            return True
    return False
