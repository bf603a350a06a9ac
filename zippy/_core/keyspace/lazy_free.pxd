"""Freeing in steps: large values, flushed databases and other remains wait in a queue, the first deleted is the first freed."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.keyspace.types cimport DeadTable, Keyspace, remains_fn
from zippy._core.values.entry cimport Entry

cdef enum:
    LAZY_BYTES = 16 << 20        # so much may wait whatever else there is


# At once when cheap, else in steps: no key is so large that freeing it stops the others
cdef void free_entry(Keyspace* ks, Entry* e) noexcept nogil
cdef void free_entry_later(Keyspace* ks, Entry* e) noexcept nogil        # not before the command under way has ended
cdef void free_table(Keyspace* ks, DeadTable* table) noexcept nogil      # in steps
# What is neither, and is not seen any more. At once if there are few items in it, else in steps; bytes: what it holds
cdef void free_remains(Keyspace* ks, remains_fn free_some, void* remains, uint64_t items, size_t bytes) noexcept nogil
cdef bint lazy_free_step(Keyspace* ks, uint64_t items) noexcept nogil    # frees about so many items; True when nothing is left
# The same until so much time has passed. True: nothing is left
cdef bint lazy_free_for(Keyspace* ks, uint64_t items, int64_t budget_us) noexcept nogil
cdef uint64_t lazy_free_pending(const Keyspace* ks) noexcept nogil       # keys and values; O(what waits)


cdef inline bint lazy_waits(const Keyspace* ks) noexcept nogil:
    """Whether anything waits to be freed."""
    return ks.lazy.first != ks.lazy.end


cdef inline uint64_t lazy_last(const Keyspace* ks) noexcept nogil:
    """The number of the item that was deleted last: it and all before it are gone when lazy.freed has come to that."""
    return ks.lazy.freed + (ks.lazy.end - ks.lazy.first)


cdef inline bint lazy_is_much(const Keyspace* ks) noexcept nogil:
    """Whether so much waits that those who run commands have to help: more than LAZY_BYTES and than a quarter of all memory."""
    return ks.lazy.bytes > LAZY_BYTES and ks.lazy.bytes > <size_t>ks.account.used // 4
