# Each type writes and reads its values itself (values/types); a reader is found by the RdbType before the key.
#
# Whatever is read is checked in full before anything uses it: the structure of each packed block, that fields and members differ, that
# scores are numbers. A block that passes and is small enough for its encoding becomes the value as it is; else its elements go through the
# doors that commands use, so that the limits in force decide on the encoding.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memcpy
from zippy._core.ground.crc cimport crc64
from zippy._core.values.entry cimport NO_EXPIRY, entry_set_expiry
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RDB_UNSUPPORTED, rdb_fail, rdb_write, rdb_write_byte, rdb_write_u64
)
from zippy._core.values.types cimport RDB_HASH_LISTPACK_EX_OLD, RDB_HASH_METADATA_OLD, RDB_TYPES, TypeOps, rdb_read_fn
from zippy._core.values.value cimport value_free, value_ops, value_reader


# Writing


cdef int rdb_type_of(const Entry* e, int version) noexcept nogil:
    return value_ops(e).rdb_type(e, version)


cdef uint64_t rdb_weight(const Entry* e) noexcept nogil:
    return value_ops(e).rdb_weight(e)


cdef void begin(RdbWriter* w, RdbPart* part, Entry* e, bint whole) noexcept nogil:
    part.entry = e
    part.whole = whole
    part.done = False
    value_ops(e).rdb_begin(w, part)


cdef void rdb_part_begin(RdbWriter* w, RdbPart* part, Entry* e) noexcept nogil:
    begin(w, part, e, False)


cdef bint rdb_part_some(RdbWriter* w, RdbPart* part, uint64_t items) noexcept nogil:
    cdef const TypeOps* ops = value_ops(part.entry)
    while items and not part.done:
        ops.rdb_next(w, part)
        items -= 1
    return part.done


cdef void rdb_part_end(RdbPart* part) noexcept nogil:
    value_ops(part.entry).rdb_end(part)


cdef void rdb_write_value(RdbWriter* w, Entry* e) noexcept nogil:
    cdef RdbPart part
    begin(w, &part, e, True)
    rdb_part_some(w, &part, UINT64_MAX)
    rdb_part_end(&part)


cdef void rdb_write_footer(RdbWriter* w) noexcept nogil:
    cdef unsigned char[2] version = [<unsigned char>w.version, <unsigned char>(w.version >> 8)]
    rdb_write(w, version, 2)
    rdb_write_u64(w, crc64(0, w.data, w.len))


cdef bint rdb_write_payload(RdbWriter* w, Entry* e) noexcept nogil:
    rdb_write_byte(w, rdb_type_of(e, w.version))
    rdb_write_value(w, e)
    rdb_write_footer(w)
    return w.error == 0


cdef bint rdb_payload_fits(Slice payload) noexcept nogil:
    cdef const unsigned char* footer
    cdef uint64_t crc
    if payload.len < RDB_PAYLOAD_FOOTER:
        return False
    footer = <const unsigned char*>payload.ptr + payload.len - RDB_PAYLOAD_FOOTER
    if (footer[0] | footer[1] << 8) > RDB_VERSION:
        return False
    memcpy(&crc, footer + 2, 8)
    return crc == crc64(0, payload.ptr, payload.len - 8)


# Reading


cdef bint rdb_knows_type(int type) noexcept nogil:
    return 0 <= type < RDB_TYPES


cdef void refuse(RdbReader* r, int type) noexcept nogil:
    """A type that no row reads."""
    if type == RDB_HASH_METADATA_OLD or type == RDB_HASH_LISTPACK_EX_OLD:
        rdb_fail(r, RDB_UNSUPPORTED, b"a hash whose fields expire, as a release candidate of Redis 7.4 wrote it")
    else:
        rdb_fail(r, RDB_CORRUPT, b"a value of unknown type")


cdef Entry* rdb_read_value(RdbReader* r, int type, Slice key, int64_t expiry, const Settings* s) noexcept nogil:
    cdef rdb_read_fn read = value_reader(type) if rdb_knows_type(type) else NULL
    cdef Entry* e
    if read == NULL:
        refuse(r, type)
        return NULL
    e = read(r, type, key, s)
    if e != NULL and r.status != RDB_OK:
        value_free(e)
        return NULL
    if e != NULL and expiry != NO_EXPIRY:
        e = entry_set_expiry(e, expiry)
    return e
