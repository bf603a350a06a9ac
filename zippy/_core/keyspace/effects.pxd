"""What a write does beside the write: the door `mutated()`, notifications, watched keys, keys that blocked clients wait for,
propagation."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.keyspace.stream cimport NO_UNIT, stream_close_unit
from zippy._core.keyspace.types cimport Db, Keyspace, ReadyKey, WaitingKey, WaitNode, WatchedKey, Watches


# The second door: `key` of db was changed `changes` times; event ("set", "lpush" ...; a literal, NULL: none) of a NOTIFY_ class. Touches
# watchers, wakes blocked clients, counts dirty, notifies.
cdef void mutated(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil
# The same where nobody can have waited for it: something was removed that blocked clients could not be served with
cdef void mutated_by_removal(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil
# The same of what stands aside of the key's value, as a stream's groups do: watchers do not hear of it either
cdef void mutated_aside(Db* db, Slice key, int notify_class, const char* event, int64_t changes) noexcept nogil
cdef void wake_waiting(Db* db, Slice key) noexcept nogil            # blocked clients only
cdef void touched(Db* db, Slice key) noexcept nogil                  # watchers, blocked clients and those who track the key only
cdef void vanished(Db* db, Slice key) noexcept nogil                 # the same of a key that no client deleted: it expired, or was evicted
cdef void flushed(Keyspace* ks) noexcept nogil                       # those who track keys only: what keys hold is another thing now
cdef void notify(Db* db, int notify_class, const char* event, Slice key) noexcept nogil   # a notification without a change of its own
# One command to AOF and replicas; argv is copied. Does nothing while nobody records. For want of memory the stream is marked as `failed`.
cdef void propagate(Db* db, int argc, const Slice* argv) noexcept nogil
cdef void propagate_delete(Db* db, Slice key, bint lazy) noexcept nogil     # DEL or UNLINK of a key that expired or was evicted

# adds a key to what a client watches, unless it does already; expired: the key is there, but its time is over
cdef void watch_key(Db* db, Slice key, Watches* watches, bint expired) noexcept nogil
# Ends a client's watches, in steps where they are many; no change is noted for anybody any more
cdef void unwatch_all(Keyspace* ks, Watches* watches) noexcept nogil
cdef bint is_being_sent(Db* db, Slice key) noexcept nogil            # by MIGRATE, which has not ended: deleted or not, it is this server's
cdef bint watch_any_expired(const Watches* watches) noexcept nogil   # has a key expired since it was watched: EXEC aborts
# FLUSHDB, SWAPDB: every watched key that is in db, or in replaced_with if not NULL
cdef void touch_all_watched(Db* db, Db* replaced_with) noexcept nogil

# joins the key's queue; the client's new list of places, the same if it joined in this command already. removal: the client is woken, too,
# when the key is deleted or gets another type
cdef WaitNode* wait_for_key(Db* db, Slice key, void* client, bint removal, WaitNode* siblings) noexcept nogil
cdef void wait_anew(WaitNode* siblings) noexcept nogil               # goes to the end of all queues
cdef void stop_waiting(WaitNode* siblings) noexcept nogil            # leaves all queues, frees the list
cdef void signal_db_ready(Db* db) noexcept nogil                     # SWAPDB: every key that is waited for and there
# takes the first ready key out, the caller frees it with mem_free; NULL: none
cdef ReadyKey* next_ready(Keyspace* ks) noexcept nogil
cdef WaitingKey* waiting_at(Db* db, Slice key) noexcept nogil        # the queue of a key, NULL: nobody waits

cdef void watched_key_of(const void* item, Slice* key) noexcept nogil      # for HashTables of WatchedKey and of WaitingKey
cdef void waiting_key_of(const void* item, Slice* key) noexcept nogil
cdef void watch_of(const void* item, Slice* pair) noexcept nogil           # for Keyspace.watches


cdef inline void effects_begin_unit(Keyspace* ks) noexcept nogil:
    """What follows is atomic: more than one request is wrapped in MULTI and EXEC. Outside of a unit each request stands for itself."""
    ks.effects.stream.unit_count = 0


cdef inline void effects_end_unit(Keyspace* ks) noexcept nogil:
    """What was begun last is complete."""
    if ks.effects.stream.unit_count > 1:
        stream_close_unit(&ks.effects.stream)
    ks.effects.stream.unit_count = NO_UNIT
