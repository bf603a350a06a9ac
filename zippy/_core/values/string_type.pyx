# The row of strings. The paths of GET and SET do not come here: they know what they have.

from libc.stddef cimport size_t
from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.mem cimport mem_copy, mem_give_back
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.values.command_writer cimport command_begin, command_word
from zippy._core.values.digest cimport digest_text
from zippy._core.values.entry cimport (
    ENC_EMBSTR, ENC_INT, ENC_RAW, INLINE_MAX, NO_EXPIRY, Blob, Entry, entry_encoding, entry_int, entry_key, entry_new_int,
    entry_new_raw, entry_new_string, entry_new_taken, entry_new_text, entry_string, entry_string_length
)
from zippy._core.values.rdb_stream cimport (
    RDB_NO_MEMORY, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_spaced_text, rdb_text_free, rdb_write, rdb_write_int_string,
    rdb_write_length, rdb_write_string
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.types cimport RDB_STRING, RdbPart

cdef enum:
    LARGE = 1 << 20             # bytes: longer ones are written in pieces, and so not compressed
    WEIGHED = 1 << 16           # bytes that weigh one
    PIECE = 64 << 10
    TEXT = 24                   # bytes of scratch that the text of an integer needs


# Freeing, copying, measuring


cdef void string_free(Entry* e) noexcept nogil:
    # it goes with the entry's block
    pass


cdef bint string_free_some(Entry* e, uint64_t items) noexcept nogil:
    # it goes with the entry's block. Where much of what was freed has yet to leave, it waits for that: an item is a slab's bytes
    return not mem_give_back(items, SIZE_MAX)


cdef uint64_t string_free_effort(const Entry* e) noexcept nogil:
    return 1


cdef Entry* string_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    """A copy as int, text or raw as e is; NULL when out of memory."""
    cdef char[TEXT] scratch
    cdef char* data
    cdef Slice text = entry_string(e, scratch)
    cdef Entry* copy
    if entry_encoding(e) == ENC_INT:
        return entry_new_int(key, entry_int(e)[0], expiry)
    if entry_encoding(e) == ENC_EMBSTR:
        return entry_new_text(key, text, expiry)
    copy = entry_new_raw(key, text.len, expiry, &data)
    if copy != NULL and text.len:
        mem_copy(data, text.ptr, text.len)
    return copy


cdef uint64_t string_length(const Entry* e) noexcept nogil:
    return entry_string_length(e)


cdef size_t string_memory(Entry* e, uint64_t samples) noexcept nogil:
    # it is counted with the block
    return 0


# Writing


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    return RDB_STRING


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef size_t length = 0 if entry_encoding(e) == ENC_INT else entry_string_length(e)
    return length // WEIGHED if length > LARGE else 0


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef char[TEXT] scratch
    cdef Slice* rest = <Slice*>part.state
    part.done = part.whole or entry_encoding(part.entry) == ENC_INT
    if entry_encoding(part.entry) == ENC_INT:
        rdb_write_int_string(w, entry_int(part.entry)[0])
    elif part.whole:
        rdb_write_string(w, entry_string(part.entry, scratch))
    else:
        rest[0] = entry_string(part.entry, NULL)
        rdb_write_length(w, rest.len)


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef Slice* rest = <Slice*>part.state
    cdef size_t size = rest.len if rest.len < PIECE else PIECE
    rdb_write(w, rest.ptr, size)
    rest[0] = slice_of(rest.ptr + size, rest.len - size)
    part.done = rest.len == 0


cdef void end(RdbPart* part) noexcept nogil:
    pass


# Reading


cdef Entry* read_string(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef RdbText t
    cdef Entry* e
    if not rdb_read_spaced_text(r, &t, sizeof(Blob)):
        return NULL
    if t.owned != NULL and t.s.len > INLINE_MAX:
        e = entry_new_taken(key, t.owned, t.s.len, NO_EXPIRY)
        if e != NULL:
            t.owned = NULL
    else:
        e = entry_new_string(key, t.s, NO_EXPIRY)
    rdb_text_free(&t)
    if e == NULL:
        rdb_fail(r, RDB_NO_MEMORY, b"a string is larger than memory")
    return e


# Commands and checksum


cdef void rebuild_string(RdbWriter* w, Entry* e) noexcept nogil:
    cdef char[TEXT] scratch
    command_begin(w, 3)
    command_word(w, slice_text(b"SET"))
    command_word(w, entry_key(e))
    command_word(w, entry_string(e, scratch))


cdef void digest_string(Sha1* h, Entry* e) noexcept nogil:
    cdef char[TEXT] scratch
    digest_text(h, entry_string(e, scratch))


cdef void string_row(TypeOps* row) noexcept nogil:
    row.name = b"string"
    row.encodings[<int>ENC_RAW] = b"raw"
    row.encodings[<int>ENC_EMBSTR] = b"embstr"
    row.encodings[<int>ENC_INT] = b"int"
    row.readers[<int>RDB_STRING] = read_string
    row.part_bytes = sizeof(Slice)
    row.free = string_free
    row.free_some = string_free_some
    row.free_effort = string_free_effort
    row.copy = string_copy
    row.length = string_length
    row.memory = string_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild_string
    row.digest = digest_string
