"""Drawing several items at random without repeats."""

from libc.stdint cimport uint64_t
from zippy._core.ground.hashtable cimport HashTable, ht_scan_fn
from zippy._core.ground.random cimport Random


cdef struct Choice:
    # chooses among items met one by one, so that each set of `wanted` items is as likely as any other (Knuth's Algorithm S)
    uint64_t left        # items not met yet
    uint64_t wanted      # of them, still to be chosen


cdef bint choose(Choice* choice, Random* r) noexcept nogil       # is the next item chosen
# Calls fn(context, item) for count distinct items; count should be well below the table's, a third of it at most
cdef void draw_distinct(HashTable* t, Random* r, uint64_t count, ht_scan_fn fn, void* context) noexcept nogil
