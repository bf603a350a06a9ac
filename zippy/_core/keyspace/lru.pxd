"""The access field of an entry: LRU clock in seconds, or LFU minutes and counter, by the policy in force."""

from libc.stdint cimport int64_t, uint32_t
from zippy._core.keyspace.types cimport Keyspace
from zippy._core.values.entry cimport Entry


cdef uint32_t access_for_new(Keyspace* ks) noexcept nogil                     # of an entry that is being put
cdef uint32_t access_touched(Keyspace* ks, const Entry* e) noexcept nogil     # of an entry that is being read or written
# Of an entry that was saved with this idle time (seconds) or LFU counter, -1 where it is not known
cdef uint32_t access_of_saved(Keyspace* ks, int64_t idle, int64_t counter) noexcept nogil
cdef bint policy_is_lfu(const Keyspace* ks) noexcept nogil
cdef bint policy_is_lru(const Keyspace* ks) noexcept nogil
cdef uint32_t idle_seconds(const Keyspace* ks, const Entry* e) noexcept nogil
cdef uint32_t lfu_counter(const Keyspace* ks, const Entry* e) noexcept nogil  # decayed, 0 .. 255
