"""The access field of an entry: LRU clock in seconds, or LFU minutes and counter, by the policy in force."""

from libc.stdint cimport int64_t, uint32_t
from zippy._core.keyspace.types cimport Keyspace
from zippy._core.values.entry cimport Entry
from zippy._core.values.settings cimport POLICY_ALLKEYS_LFU, POLICY_VOLATILE_LFU

cdef enum:
    LRU_MASK = 0xFFFFFF


# Of an entry that was saved with this idle time (seconds) or LFU counter, -1 where it is not known
cdef uint32_t access_of_saved(Keyspace* ks, int64_t idle, int64_t counter) noexcept nogil
cdef bint policy_is_lru(const Keyspace* ks) noexcept nogil
cdef uint32_t idle_seconds(const Keyspace* ks, const Entry* e) noexcept nogil
cdef uint32_t lfu_counter(const Keyspace* ks, const Entry* e) noexcept nogil  # decayed, 0 .. 255
cdef uint32_t lfu_for_new(const Keyspace* ks) noexcept nogil                  # access_for_new and access_touched under an LFU policy
cdef uint32_t lfu_touched(Keyspace* ks, const Entry* e) noexcept nogil


cdef inline uint32_t now_seconds(const Keyspace* ks) noexcept nogil:
    return <uint32_t>(ks.clock.ms // 1000) & LRU_MASK


cdef inline bint policy_is_lfu(const Keyspace* ks) noexcept nogil:
    return ks.settings.maxmemory_policy == POLICY_ALLKEYS_LFU or ks.settings.maxmemory_policy == POLICY_VOLATILE_LFU


cdef inline uint32_t access_for_new(const Keyspace* ks) noexcept nogil:
    """The access field of an entry that is being put."""
    return lfu_for_new(ks) if policy_is_lfu(ks) else now_seconds(ks)


cdef inline uint32_t access_touched(Keyspace* ks, const Entry* e) noexcept nogil:
    """The access field of an entry that is being read or written."""
    return lfu_touched(ks, e) if policy_is_lfu(ks) else now_seconds(ks)
