"""Values to and from RDB bytes: every type and encoding going out, these and the ones of older files coming in."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.values.entry cimport Entry
from zippy._core.values.rdb_stream cimport RdbReader, RdbWriter
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RdbPart

cdef enum:
    RDB_VERSION = 12                # what Redis 8.2 writes, and the newest that is read
    RDB_VERSION_OLDEST = 10         # the least that zippy's values need, unless fields of hashes expire
    RDB_PAYLOAD_FOOTER = 10         # bytes behind a DUMP payload's value: version and CRC


cdef int rdb_type_of(const Entry* e, int version) noexcept nogil                # RdbType that the value is written as in this version
cdef void rdb_write_value(RdbWriter* w, Entry* e) noexcept nogil                # all that follows the key
# 0, or how long writing the value takes, in some 20 microseconds: such values are better written in pieces
cdef uint64_t rdb_weight(const Entry* e) noexcept nogil
# In pieces: ends with rdb_part_end
cdef void rdb_part_begin(RdbWriter* w, RdbPart* part, Entry* e) noexcept nogil
cdef bint rdb_part_some(RdbWriter* w, RdbPart* part, uint64_t items) noexcept nogil    # so many elements; True when that was all
cdef void rdb_part_end(RdbPart* part) noexcept nogil
# Reads what follows the key of this type. The entry is the caller's; NULL: see r.status
cdef bint rdb_knows_type(int type) noexcept nogil  # of a value; what the format has beside them are higher numbers
cdef Entry* rdb_read_value(RdbReader* r, int type, Slice key, int64_t expiry, const Settings* s) noexcept nogil

# DUMP and RESTORE: a type's byte, a value, the version (2 bytes), the CRC of all before (8 bytes)
cdef void rdb_write_footer(RdbWriter* w) noexcept nogil                           # behind what is in a writer without a file
cdef bint rdb_write_payload(RdbWriter* w, Entry* e) noexcept nogil              # into a writer without a file; False: out of memory
cdef bint rdb_payload_fits(Slice payload) noexcept nogil                        # are version and CRC of a payload right
