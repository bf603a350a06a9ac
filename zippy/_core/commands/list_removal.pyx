# A module of its own because list and list_pop both end here, and neither imports the other.

from zippy._core.keyspace.db cimport delete_key
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_LIST
from zippy._core.values.list cimport list_after_removal, list_length


cdef void list_removed(Engine* e, Client* c, Slice key, Entry* entry, const char* event, int64_t count) noexcept nogil:
    cdef bint empty = list_length(entry) == 0
    if empty:
        delete_key(c.db, key)
    else:
        list_after_removal(entry, &e.settings)
    mutated(c.db, key, NOTIFY_LIST, event, count)
    if empty:
        notify(c.db, NOTIFY_GENERIC, b"del", key)
