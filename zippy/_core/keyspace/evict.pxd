"""Eviction: bringing used memory under maxmemory by the policy in force."""

from libc.stdint cimport int64_t
from zippy._core.keyspace.types cimport Keyspace


cdef bint evict_to_limit(Keyspace* ks) noexcept nogil                # True: memory is within maxmemory (or there is no limit)
cdef int64_t counted_memory(const Keyspace* ks) noexcept nogil       # bytes that are held against maxmemory
cdef void evict_forget(Keyspace* ks) noexcept nogil                  # frees the candidates: the policy changed, or the end
