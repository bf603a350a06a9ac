# A request is written where it is to stay, once there is room for all of it: for want of memory there is never a part. Only when a unit
# turns out to have a second request is MULTI put before the first, so that a unit of one, the rule, pays nothing for it.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from libc.string cimport memcpy
from zippy._core.ground.byte_queue cimport BQ_INSERT, bq_append, bq_fits, bq_free, bq_insert, bq_place, bq_put, bq_reserve
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.ground.slice cimport copy_bytes, slice_of
from zippy._core.resp.writer cimport HEADER_ROOM, write_header

cdef enum:
    WORD_ROOM = HEADER_ROOM + 2  # bytes of a word beside its text
    MULTI_TEXT = 15              # bytes of MULTI as a request
    EXEC_TEXT = 14


cdef void stream_init(Stream* s) noexcept nogil:
    s.selected = -1
    s.unit_count = NO_UNIT


cdef void stream_free(Stream* s) noexcept nogil:
    bq_free(&s.bytes)


cdef inline char* end_word(char* at) noexcept nogil:
    at[0] = 13
    at[1] = 10
    return at + 2


cdef inline char* write_word(char* at, Slice word) noexcept nogil:
    at = write_header(at, c'$', <int64_t>word.len)
    copy_bytes(at, word.ptr, word.len)
    return end_word(at + word.len)


cdef char* write_select(char* at, int32_t db) noexcept nogil:
    cdef char[NUM_I64_TEXT] number
    at = write_header(at, c'*', 2)
    at = write_word(at, slice_of(b"SELECT", 6))
    at = write_header(at, c'$', <int64_t>num_write_i64(number, db))
    return end_word(at + num_write_i64(at, db))


cdef void stream_request(Stream* s, int32_t db, int argc, const Slice* argv) noexcept nogil:
    cdef size_t room = SELECT_ROOM + HEADER_ROOM + <size_t>argc * WORD_ROOM
    cdef char* at
    cdef int i
    for i in range(argc):
        room += argv[i].len
    if bq_reserve(&s.bytes, room + BQ_INSERT) != 0:
        s.failed = True
        return
    count_request(s)
    if db != s.selected:
        s.selected = db
        bq_put(&s.bytes, <size_t>(write_select(bq_place(&s.bytes), db) - bq_place(&s.bytes)))
    if not bq_fits(&s.bytes, room - SELECT_ROOM):
        append_in_pieces(s, argc, argv)
        return
    at = write_header(bq_place(&s.bytes), c'*', argc)
    for i in range(argc):
        at = write_word(at, argv[i])
    bq_put(&s.bytes, <size_t>(at - bq_place(&s.bytes)))


cdef inline void count_request(Stream* s) noexcept nogil:
    """A request follows, whose room is reserved."""
    if s.unit_count == NO_UNIT:
        return
    if s.unit_count == 0:
        s.unit_block = s.bytes.last
        s.unit_at = s.bytes.end
    elif s.unit_count == 1:
        bq_insert(&s.bytes, s.unit_block, s.unit_at, b"*1\r\n$5\r\nMULTI\r\n", MULTI_TEXT)
    s.unit_count += 1


cdef void append_in_pieces(Stream* s, int argc, const Slice* argv) noexcept nogil:
    """Puts in a request that one block does not hold."""
    cdef char[HEADER_ROOM] header
    cdef int i
    bq_append(&s.bytes, header, <size_t>(write_header(header, c'*', argc) - header))
    for i in range(argc):
        bq_append(&s.bytes, header, <size_t>(write_header(header, c'$', <int64_t>argv[i].len) - header))
        bq_append(&s.bytes, argv[i].ptr, argv[i].len)
        bq_append(&s.bytes, b"\r\n", 2)


cdef void stream_close_unit(Stream* s) noexcept nogil:
    if s.unit_count > 1:
        if bq_reserve(&s.bytes, EXEC_TEXT) == 0:
            memcpy(bq_place(&s.bytes), b"*1\r\n$4\r\nEXEC\r\n", EXEC_TEXT)
            bq_put(&s.bytes, EXEC_TEXT)
        else:
            s.failed = True
    s.unit_count = NO_UNIT


cdef int stream_take(Stream* s) noexcept nogil:
    cdef int unit_count = s.unit_count
    cdef bint failed
    stream_close_unit(s)
    if unit_count != NO_UNIT:
        s.unit_count = 0
    failed = s.failed
    s.failed = False
    s.taken = s.bytes.end
    return -1 if failed else 0
