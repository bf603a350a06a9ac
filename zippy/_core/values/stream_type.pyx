# The row of streams.

from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice
from zippy._core.values.entry cimport ENC_STREAM, Entry
from zippy._core.values.rdb_stream cimport RDB_UNSUPPORTED, RdbReader, RdbWriter, rdb_fail
from zippy._core.values.settings cimport Settings
from zippy._core.values.stream cimport stream_copy, stream_free, stream_free_effort, stream_free_some, stream_length, stream_memory
from zippy._core.values.types cimport RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3, RdbPart


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    return RDB_STREAM_LISTPACKS_2


cdef bint is_large(const Entry* e) noexcept nogil:
    return False


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    part.done = True


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    part.done = True


cdef void end(RdbPart* part) noexcept nogil:
    pass


cdef Entry* read_stream(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    rdb_fail(r, RDB_UNSUPPORTED, b"a stream, which zippy cannot load yet")
    return NULL


cdef void rebuild(RdbWriter* w, Entry* e) noexcept nogil:
    pass


cdef void digest(Sha1* h, Entry* e) noexcept nogil:
    pass


cdef void stream_row(TypeOps* row) noexcept nogil:
    row.name = b"stream"
    row.encodings[<int>ENC_STREAM] = b"stream"
    row.readers[<int>RDB_STREAM_LISTPACKS] = read_stream
    row.readers[<int>RDB_STREAM_LISTPACKS_2] = read_stream
    row.readers[<int>RDB_STREAM_LISTPACKS_3] = read_stream
    row.part_bytes = 0
    row.free = stream_free
    row.free_some = stream_free_some
    row.free_effort = stream_free_effort
    row.copy = stream_copy
    row.length = stream_length
    row.memory = stream_memory
    row.rdb_type = rdb_type
    row.rdb_is_large = is_large
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild
    row.digest = digest
