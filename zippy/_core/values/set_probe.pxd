"""Whether a set has a member, asked many times in a row. A listpack gets an index for that: each search would begin at its head."""

from libc.stdint cimport uint32_t, uint64_t
from zippy._core.ground.listpack cimport LpItem
from zippy._core.values.entry cimport Entry


cdef struct SetProbe:
    const Entry* entry         # the set; it must not change meanwhile
    uint64_t* places           # for a member of a listpack: its hash above its offset; 0: free. Owned, NULL without an index
    uint32_t mask


cdef void probe_init(SetProbe* p, const Entry* entry, uint64_t lookups) noexcept nogil     # for about so many lookups; ends with probe_free
cdef bint probe_contains(const SetProbe* p, const LpItem* member) noexcept nogil
cdef void probe_free(SetProbe* p) noexcept nogil
