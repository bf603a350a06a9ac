"""A snapshot that is saved beside the traffic: what is in its file equals the keyspace of the moment in which it began.

A walk goes through the tables in steps between turns. A key that is about to be changed, moved or deleted before the walk came to it is
saved first; that is what the doors for writes call live_save_first for. Each entry says in its bits which snapshot was the last to be done
with it, so none is saved twice, and keys that came later are passed over.

Where saving a value first would take longer than a fork does, a child goes on with the walk, if one may: what the walk has not come to is
in its memory as it was when the save began.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from zippy._core.keyspace.rdb_record cimport RdbSave
from zippy._core.keyspace.types cimport Db, Keyspace, LiveSave
from zippy._core.values.entry cimport ENTRY_EPOCH, Entry


cdef inline void live_mark(const Keyspace* ks, Entry* e) noexcept nogil:
    """No snapshot of now has to do with this entry: it is new, or saved."""
    e.flags = <uint8_t>((e.flags & ~<int>ENTRY_EPOCH) | ks.epoch)


cdef inline bint live_wants(const Keyspace* ks, const Entry* e) noexcept nogil:
    """Whether the entry has to be saved before it changes."""
    return ks.live != NULL and (e.flags & ENTRY_EPOCH) != ks.epoch


cdef bint live_begin(Keyspace* ks, const RdbSave* save) noexcept nogil     # of now; there must be none. False: out of memory
cdef void live_save_first(Db* db, Entry* e) noexcept nogil                 # for an entry that live_wants
cdef void live_keep_table(Db* db, size_t bytes) noexcept nogil             # db is flushed: the walk has its tables from now on
# Goes on with the walk, for so long and so many keys at most; when it is at its end, `finished` is set
cdef void live_step(Keyspace* ks, int64_t budget_us, uint64_t most_keys) noexcept nogil
# To be called before w's bytes are taken out; whoever takes them sets w.len to 0
cdef void live_take(LiveSave* live) noexcept nogil
# In the place of live_step once there is a child: takes what it has written. When w.error is set, nothing more is to be done
cdef void live_hear(LiveSave* live) noexcept nogil
cdef void live_end(Keyspace* ks, LiveSave* live) noexcept nogil            # ends it, finished or not
# Every number that can stand for a save is in use: live_begin would have to mark every entry anew
cdef bint live_is_spent(const Keyspace* ks) noexcept nogil
# Marks entries anew for so long, for the numbers that saves used up that were not walked to their end. Not beside a child: it shares memory
cdef void live_settle(Keyspace* ks, int64_t budget_us) noexcept nogil
