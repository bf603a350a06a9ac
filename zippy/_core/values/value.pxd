"""The table of types, and what holds for values of every type: it is looked up in the row of an entry's type."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.values.entry cimport Entry
from zippy._core.values.rdb_stream cimport RdbWriter
from zippy._core.values.types cimport TypeOps, rdb_read_fn


cdef const TypeOps* type_row(int type) noexcept nogil               # of a ValueType, 0 <= type < TYPES; NULL: it has none
cdef const TypeOps* value_ops(const Entry* e) noexcept nogil        # the row of the entry's type
cdef rdb_read_fn value_reader(int rdb_type) noexcept nogil          # of an RdbType, 0 <= rdb_type < RDB_TYPES; NULL: no row reads it
cdef void value_free(Entry* e) noexcept nogil                       # the entry and its whole value, at once
cdef bint value_free_some(Entry* e, uint64_t items) noexcept nogil  # frees up to so many items; True when entry and value are gone
cdef uint64_t value_free_effort(const Entry* e) noexcept nogil      # blocks that freeing takes, roughly
# A deep copy under another key; NULL: out of memory
cdef Entry* value_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil
cdef uint64_t value_length(const Entry* e) noexcept nogil           # elements; bytes of a string
cdef size_t value_memory(Entry* e, uint64_t samples) noexcept nogil  # bytes, from so many sampled elements (0: all), as MEMORY USAGE counts
cdef const char* value_type_name(const Entry* e) noexcept nogil     # "string", "list" ...: the reply to TYPE
cdef const char* value_encoding_name(const Entry* e) noexcept nogil  # the reply to OBJECT ENCODING
cdef int64_t value_next_expiry(const Entry* e) noexcept nogil      # when its first element expires; of a value with ENTRY_ELEMENTS
cdef void value_rebuild(RdbWriter* w, Entry* e) noexcept nogil      # writes the commands that bring the value about, without its expiry
# The sum of type, value and whether there is an expiry; not of the key. Reads alone: no clock, no statistics, no access field
cdef void value_checksum(Entry* e, uint8_t* sum) noexcept nogil
