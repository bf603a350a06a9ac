# A module of its own because set and set_random both end here, and neither imports the other.

from zippy._core.keyspace.db cimport delete_key
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_SET
from zippy._core.values.set cimport set_length


cdef void members_removed(Client* c, Slice key, const Entry* entry, const char* event, int64_t changes) noexcept nogil:
    cdef bint empty = set_length(entry) == 0
    if empty:
        delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_SET, event, changes)
    if empty:
        notify(c.db, NOTIFY_GENERIC, b"del", key)
