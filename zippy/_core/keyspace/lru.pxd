"""The access field of an entry: LRU clock in seconds, or LFU minutes and counter, by the policy in force."""

from libc.stdint cimport uint32_t
from zippy._core.keyspace.types cimport Keyspace
from zippy._core.values.entry cimport Entry


cdef uint32_t access_for_new(Keyspace* ks) noexcept nogil                     # of an entry that is being put
cdef uint32_t access_touched(Keyspace* ks, const Entry* e) noexcept nogil     # of an entry that is being read or written
cdef uint32_t access_of_freq(Keyspace* ks, uint32_t counter) noexcept nogil   # of an entry that was saved with this LFU counter
cdef uint32_t access_of_idle(Keyspace* ks, uint32_t seconds) noexcept nogil   # of an entry that was not used for so long
cdef bint policy_is_lfu(const Keyspace* ks) noexcept nogil
cdef bint policy_is_lru(const Keyspace* ks) noexcept nogil
cdef uint32_t idle_seconds(const Keyspace* ks, const Entry* e) noexcept nogil
cdef uint32_t lfu_counter(const Keyspace* ks, const Entry* e) noexcept nogil  # decayed, 0 .. 255
