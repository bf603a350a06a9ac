# A TimeIndex for tests, with an account of its own. Items are numbers, which stand for addresses.

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.time_index cimport (
    TimeIndex, ti_contains, ti_count_below, ti_drain, ti_first_moment, ti_first_some, ti_insert, ti_last_moment, ti_remove, ti_walk
)


cdef void add_pair(void* context, int64_t moment, void* item) noexcept nogil:
    with gil:
        (<list>context).append((moment, <uint64_t>item))


cdef class Times:
    """An index of (moment, number)."""

    cdef TimeIndex index
    cdef Account account

    def __cinit__(self):
        memset(&self.index, 0, sizeof(TimeIndex))

    def __dealloc__(self):
        while not self.drain(1000):
            pass

    def insert(self, int64_t moment, uint64_t item):
        """Puts a pair in that is absent."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        ti_insert(&self.index, moment, <void*>item)
        mem_charge_to(before)

    def remove(self, int64_t moment, uint64_t item):
        """Takes a pair out that is there."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        ti_remove(&self.index, moment, <void*>item)
        mem_charge_to(before)

    def drain(self, uint64_t nodes):
        """Frees so many nodes; whether nothing is left."""
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        done = ti_drain(&self.index, nodes)
        mem_charge_to(before)
        return bool(done)

    def contains(self, int64_t moment, uint64_t item):
        """Whether a pair is there."""
        return bool(ti_contains(&self.index, moment, <void*>item))

    def count_below(self, int64_t moment):
        """How many pairs have an earlier moment."""
        return ti_count_below(&self.index, moment)

    def first(self, int most):
        """The first pairs, at most so many and at most 100."""
        cdef int64_t moments[100]
        cdef void* items[100]
        cdef int n = ti_first_some(&self.index, moments, items, min(most, 100))
        return [(moments[i], <uint64_t>items[i]) for i in range(n)]

    def ends(self):
        """The first moment and the last one, None if there is none."""
        return (ti_first_moment(&self.index), ti_last_moment(&self.index)) if self.index.count else None

    def pairs(self):
        """All pairs in order."""
        found = []
        ti_walk(&self.index, add_pair, <void*>found)
        return found

    def __len__(self):
        return self.index.count

    @property
    def height(self):
        """Levels of inner nodes."""
        return self.index.height

    @property
    def node_bytes(self):
        """What the index says that its nodes take."""
        return self.index.node_bytes

    @property
    def used(self):
        """Bytes and blocks that were allocated and not freed."""
        return self.account.used, self.account.blocks
