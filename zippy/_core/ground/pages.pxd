"""Pages of the system, and large blocks, each of which is a mapping of its own. Who calls accounts for them.

NULL: the system has no more, or there are too many mappings for one of that length; what was asked about is as it was. Freed blocks keep
their pages until they are used again, leave or are dropped for want of memory.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    PAGES_BITS = 18
    PAGES_LEAST = 1 << 18  # bytes of the smallest such block
    HUGE_PAGE = 2 << 20    # bytes of a huge page of most processors, at a multiple of that


cdef void* pages_map(size_t size, size_t multiple) noexcept nogil       # zero filled, at a multiple of a power of two
cdef void pages_unmap(void* pages, size_t size) noexcept nogil
cdef void pages_give_back(char* first, char* to) noexcept nogil         # the whole pages between two addresses, read as zeros then
cdef void pages_provide(char* first, char* to) noexcept nogil           # has them there at once; else each comes when it is first touched
# Huge pages for what is new between two addresses, if that makes sense now; whether it does. The page of a byte that was not touched yet
# there is touched, to see how long it takes
cdef bint pages_ask_for_huge(char* first, char* to, char* untouched) noexcept nogil
cdef void pages_suppose(int plenty, int64_t limit) noexcept nogil        # for tests: whether memory is, microseconds; -1: as it is
cdef void pages_ask_for_small(char* first, char* to) noexcept nogil     # no more of them, nor in the place of small ones given back
cdef void* pages_new(size_t size, bint zeroed) noexcept nogil           # a block; one of zeros is never one that was freed
cdef void* pages_resize(void* block, size_t size) noexcept nogil        # to any size; the result is where it is then
cdef void pages_free(void* block) noexcept nogil
cdef size_t pages_size(const void* block) noexcept nogil                # usable bytes; 0: it is no such block. Not for one in a slab
cdef size_t pages_good_size(size_t size) noexcept nogil                 # usable bytes of a block of that size
cdef size_t pages_held() noexcept nogil                                 # bytes of all blocks, freed ones included
cdef size_t pages_kept() noexcept nogil                                 # and of those that are freed
cdef void pages_clock(uint64_t us) noexcept nogil                       # what the time is, for the freed ones
cdef bint pages_are_stale() noexcept nogil                              # whether one of them has not been used for ten seconds
cdef void pages_keep(size_t bytes) noexcept nogil                       # so many at most, the rest is dropped, the oldest first
cdef void pages_leave(size_t bytes) noexcept nogil                      # drops about so many of the oldest one
