"""What holds for values of every type: freeing in steps, copying, measuring. Dispatches on the entry's type and encoding."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.values.entry cimport Entry


cdef void value_free(Entry* e) noexcept nogil                       # the entry and its whole value, at once
cdef bint value_free_some(Entry* e, uint64_t items) noexcept nogil  # frees up to so many items; True when entry and value are gone
cdef uint64_t value_free_effort(const Entry* e) noexcept nogil      # blocks that freeing takes, roughly
cdef Entry* value_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil   # a deep copy under another key
cdef uint64_t value_length(const Entry* e) noexcept nogil           # elements; bytes of a string
cdef size_t value_memory(Entry* e, uint64_t samples) noexcept nogil  # bytes, from so many sampled elements (0: all), as MEMORY USAGE counts
cdef const char* value_type_name(const Entry* e) noexcept nogil     # "string", "list" ...: the reply to TYPE
cdef const char* value_encoding_name(const Entry* e) noexcept nogil  # the reply to OBJECT ENCODING
