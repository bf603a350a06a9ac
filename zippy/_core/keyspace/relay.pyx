# One copy of what the stream of effects got, a turn at a time, however many replicas there are.

from libc.stdint cimport int64_t
from zippy._core.ground.byte_queue cimport bq_append, bq_attach, bq_detach, bq_free, bq_piece, bq_place, bq_put, bq_release, bq_reserve
from zippy._core.ground.mem cimport mem_copy
from zippy._core.ground.slice cimport slice_of
from zippy._core.resp.writer cimport HEADER_ROOM, write_header


cdef void relay_free(Relay* r) noexcept nogil:
    bq_free(&r.bytes)


cdef void relay_begin(Relay* r, Stream* s) noexcept nogil:
    if r.copies:
        return
    r.copies = bq_attach(&s.bytes, &r.source, s.taken)
    r.ahead = r.bytes.end - r.source.at
    # who reads on does not know which database is selected
    s.selected = -1


cdef void relay_stop(Relay* r, Stream* s) noexcept nogil:
    if r.copies:
        bq_detach(&s.bytes, &r.source)
    r.copies = False


cdef void relay_append(Relay* r, Slice bytes) noexcept nogil:
    cdef size_t room = 0 if r.bytes.last == NULL else <size_t>(r.bytes.last.limit - r.bytes.last.tail)
    if room > bytes.len:
        room = bytes.len
    if room:
        # blocks of the backlog are filled up
        mem_copy(bq_place(&r.bytes), bytes.ptr, room)
        bq_put(&r.bytes, room)
    if room == bytes.len:
        return
    if bq_reserve(&r.bytes, bytes.len - room) != 0:
        r.failed = True
        return
    bq_append(&r.bytes, bytes.ptr + room, bytes.len - room)


cdef void append_header(Relay* r, char kind, int64_t n) noexcept nogil:
    cdef char[HEADER_ROOM] header
    relay_append(r, slice_of(header, <size_t>(write_header(header, kind, n) - header)))


cdef void relay_request(Relay* r, int argc, const Slice* argv) noexcept nogil:
    cdef int i
    append_header(r, c'*', argc)
    for i in range(argc):
        append_header(r, c'$', <int64_t>argv[i].len)
        relay_append(r, argv[i])
        relay_append(r, slice_of(b"\r\n", 2))


cdef void relay_copy(Relay* r, Stream* s, uint64_t end) noexcept nogil:
    cdef Slice piece
    while r.source.at < end:
        piece = bq_piece(&s.bytes, &r.source)
        if piece.len > end - r.source.at:
            piece = slice_of(piece.ptr, <size_t>(end - r.source.at))
        relay_append(r, piece)
        r.source.at += piece.len
    r.ahead = r.bytes.end - r.source.at
    bq_release(&s.bytes)


cdef uint64_t relay_first(const Relay* r) noexcept nogil:
    return r.bytes.end if r.bytes.first == NULL else r.bytes.first.at


cdef uint64_t relay_offset_of(const Relay* r, const Stream* s, uint64_t at) noexcept nogil:
    if at > r.source.at:
        # what was put in since it was copied last comes before it
        return at + (r.bytes.end - r.source.at)
    return at + r.ahead
