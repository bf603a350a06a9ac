cdef int64_t counted_memory(const Keyspace* ks) noexcept nogil:
    return ks.account.used - ks.memory_overhead


cdef bint evict_to_limit(Keyspace* ks) noexcept nogil:
    return ks.settings.maxmemory == 0 or counted_memory(ks) <= ks.settings.maxmemory
