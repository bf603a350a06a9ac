# The index is made and taken away with the first and the last expiring element: the table's struct grows and shrinks for it, so whoever
# holds its address has to be told the new one.

from libc.string cimport memset
from zippy._core.ground.mem cimport mem_realloc
from zippy._core.ground.time_index cimport ti_drain
from zippy._core.values.block_table cimport bt_free_some, bt_memory


cdef BlockTable* expiring_begin(BlockTable* t) noexcept nogil:
    cdef ExpiringTable* table = <ExpiringTable*>mem_realloc(t, sizeof(ExpiringTable))
    memset(&table.times, 0, sizeof(TimeIndex))
    return &table.blocks


cdef BlockTable* expiring_end(BlockTable* t) noexcept nogil:
    return <BlockTable*>mem_realloc(t, sizeof(BlockTable))


cdef bint expiring_free_some(BlockTable* t, uint64_t items) noexcept nogil:
    # a node of the index takes about as long as an item
    if not ti_drain(expiring_times(t), items):
        return False
    return bt_free_some(t, items)


cdef size_t expiring_memory(BlockTable* t, uint64_t samples) noexcept nogil:
    return bt_memory(t, samples) + expiring_times(t).node_bytes
