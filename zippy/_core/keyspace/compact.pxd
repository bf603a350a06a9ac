"""Compaction: entries are moved out of slabs that deletions left nearly empty, so that other sizes can have these."""

from libc.stdint cimport int64_t
from zippy._core.keyspace.types cimport Keyspace


# Between turns only, as entries move. True: the budget ran out and there is more to move; False: nothing worth it is left for now
cdef bint compact_step(Keyspace* ks, int64_t budget_us) noexcept nogil
