"""Eviction: bringing used memory under maxmemory by the policy in force."""

from libc.stdint cimport int64_t
from zippy._core.keyspace.types cimport Keyspace


cdef enum EvictStatus:
    EVICT_ENOUGH      # memory is within maxmemory, or there is no limit
    EVICT_GOES_ON     # the time is over; ks.evicting says that there is more to do
    EVICT_FAILED      # memory is above maxmemory and nothing may be evicted


# Evicts for as long as maxmemory-eviction-tenacity says, or for as long as it takes
cdef EvictStatus evict_to_limit(Keyspace* ks, bint at_once) noexcept nogil
cdef int64_t counted_memory(const Keyspace* ks) noexcept nogil       # bytes that are held against maxmemory
cdef void evict_forget(Keyspace* ks) noexcept nogil                  # frees the candidates: the policy changed, or the end
