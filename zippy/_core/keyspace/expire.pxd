"""Active expiry: a bounded share of time spent on keys, and elements of values, that expired and that nobody asks for."""

from libc.stdint cimport int64_t
from zippy._core.keyspace.types cimport Keyspace


cdef bint expire_cycle(Keyspace* ks, int64_t budget_us) noexcept nogil   # True: the budget ran out with keys left to look at
# Deletes all that has expired, however long it takes; nothing where expire_cycle does nothing
cdef void expire_all(Keyspace* ks) noexcept nogil
