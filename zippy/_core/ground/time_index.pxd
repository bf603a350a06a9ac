"""An ordered set of (moment, item): what is due first is found at once, and anything that is known by both is found again.

It is a B+ tree of pairs packed into twelve bytes, six of the moment and six of the item's address; nothing is read of the items
themselves. Order: moment, then address. Items that come with ever later moments, as those do that live equally long, leave the leaves full.
A zeroed TimeIndex is an empty one.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t

ctypedef void (*ti_walk_fn)(void* context, int64_t moment, void* item) noexcept nogil


cdef struct TimeIndex:
    void* root               # an inner node, or a leaf if height is 0; NULL: it is empty
    uint64_t count           # pairs
    size_t node_bytes        # of all nodes
    int height               # levels of inner nodes


# Moments are from 0 to 2^48 - 1; an address has 48 bits at most, as in a HashTable. The pair must be absent
cdef void ti_insert(TimeIndex* t, int64_t moment, void* item) noexcept nogil
cdef void ti_remove(TimeIndex* t, int64_t moment, const void* item) noexcept nogil       # the pair must be there
cdef bint ti_contains(const TimeIndex* t, int64_t moment, const void* item) noexcept nogil
cdef int64_t ti_first_moment(const TimeIndex* t) noexcept nogil          # of a set that is not empty
cdef int64_t ti_last_moment(const TimeIndex* t) noexcept nogil           # of a set that is not empty
# The first pairs, in order: how many, at least one if there is one, `most` at most
cdef int ti_first_some(const TimeIndex* t, int64_t* moments, void** items, int most) noexcept nogil
# How many pairs have an earlier moment. O(leaves that have them): some 0.1 us for 84 pairs
cdef uint64_t ti_count_below(const TimeIndex* t, int64_t moment) noexcept nogil
cdef void ti_walk(const TimeIndex* t, ti_walk_fn fn, void* context) noexcept nogil       # every pair in order; fn must not change the set
# Frees up to so many nodes; True: all is gone, and the set is empty. Until then only this may be called
cdef bint ti_drain(TimeIndex* t, uint64_t nodes) noexcept nogil
