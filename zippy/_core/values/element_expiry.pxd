"""Expiry of a value's elements: what every type needs whose elements may have a moment of their own.

A value with at least one such element has ENTRY_ELEMENTS among its entry's flags; the keyspace (`keyspace/element_expiry`) finds it by its
next moment. A large value is a BlockTable with a TimeIndex of the blocks behind it, as long as it has expiring elements and no longer: who
has none pays nothing. The moment itself lies at the end of the block. What the keyspace has to know is a row of functions (ElementOps) of
each such type.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport Slice
from zippy._core.ground.time_index cimport TimeIndex
from zippy._core.values.block_table cimport BlockTable
from zippy._core.values.entry cimport Entry

cdef enum:
    MOMENT_BYTES = 6                # that a moment takes in a block
    EXPIRING_SOME = 32              # elements that ElementOps.first_expiring hands out at most

cdef extern from *:
    """
    #define ZIPPY_LAST_MOMENT ((1LL << 46) - 1)
    #define ZIPPY_LAST_SAVED ((1LL << 48) - 2)
    """
    # ms since the epoch, as in Redis 8.2: no command can have an element expire later, and no file
    const int64_t LAST_MOMENT "ZIPPY_LAST_MOMENT"
    const int64_t LAST_SAVED "ZIPPY_LAST_SAVED"


cdef struct ExpiringElement:
    # not to be moved, since name may point to text
    int64_t moment                  # ms since the epoch
    Slice name                      # a field, a member; borrowed until the value changes
    char[24] text                   # of a name that is an integer


cdef struct ElementOps:
    # of a type whose elements may expire; all of it has to be there
    const char* remove_command      # what is propagated when elements expire: this, the key, the elements
    const char* event               # and what is notified
    int event_class                 # a NOTIFY_ class
    # When the first element expires; of a value with ENTRY_ELEMENTS
    int64_t (*next_expiry)(const Entry* e) noexcept nogil
    # When the last element does; NO_EXPIRY: not all elements expire
    int64_t (*last_expiry)(const Entry* e) noexcept nogil
    # The elements that expire first, in order: how many, at least one if there is one
    int (*first_expiring)(const Entry* e, ExpiringElement* some) noexcept nogil
    bint (*remove)(Entry* e, Slice name) noexcept nogil              # False: there is no such element
    void (*remove_first)(Entry* e, int count) noexcept nogil         # so many of those that first_expiring hands out


cdef struct ExpiringTable:
    BlockTable blocks
    TimeIndex times                 # those of the blocks that expire


cdef inline TimeIndex* expiring_times(BlockTable* t) noexcept nogil:
    """The index of a table that has one."""
    return &(<ExpiringTable*>t).times


cdef inline int64_t moment_read(const void* at) noexcept nogil:
    """What moment_write wrote."""
    cdef uint64_t moment = 0
    memcpy(&moment, at, MOMENT_BYTES)
    return <int64_t>moment


cdef inline void moment_write(void* at, int64_t moment) noexcept nogil:
    """The moment's MOMENT_BYTES, the lowest first."""
    memcpy(at, &moment, MOMENT_BYTES)


cdef BlockTable* expiring_begin(BlockTable* t) noexcept nogil        # the table with an empty index behind it, at a new address
cdef BlockTable* expiring_end(BlockTable* t) noexcept nogil          # the table without its index, which is empty, at a new address
# Frees about so many items of a table with an index, as bt_free_some
cdef bint expiring_free_some(BlockTable* t, uint64_t items) noexcept nogil
cdef size_t expiring_memory(BlockTable* t, uint64_t samples) noexcept nogil      # as bt_memory
