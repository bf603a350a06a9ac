# Want of memory is remembered in the Reply's Buf and asked for once. A number of elements that is known only behind them gets its header by
# moving them, which is cheaper than counting beforehand.

from libc.string cimport memchr, memcpy, memmove, strlen
from zippy._core.ground.buf cimport (
    buf_append, buf_append_byte, buf_append_text, buf_free, buf_init, buf_reserve, slice_of, slice_text
)
from zippy._core.ground.mem cimport mem_copy, mem_free
from zippy._core.ground.number cimport NUM_DOUBLE_TEXT, num_write_double, num_write_i64
from zippy._core.ground.slice cimport copy_bytes

cdef enum:
    LONG = 1 << 20        # bytes whose copying is worth a care
    MOVED_MAX = 4 << 20   # bytes that are copied so that more need not be


cdef void reply_init(Reply* r) noexcept nogil:
    buf_init(&r.out)
    r.sent = 0
    r.proto = 2
    r.errors = 0
    r.error_at = 0


cdef void reply_free(Reply* r) noexcept nogil:
    buf_free(&r.out)


cdef void reply_raw(Reply* r, const void* ptr, size_t len) noexcept nogil:
    buf_append(&r.out, ptr, len)


cdef inline bint room(Reply* r, size_t size) noexcept nogil:
    return r.out.cap - r.out.len >= size or buf_reserve(&r.out, size) == 0


cdef inline void header(Reply* r, char kind, int64_t n) noexcept nogil:
    if room(r, HEADER_ROOM):
        r.out.len = <size_t>(write_header(r.out.data + r.out.len, kind, n) - r.out.data)


cdef void reply_ok(Reply* r) noexcept nogil:
    if room(r, 5):
        memcpy(r.out.data + r.out.len, b"+OK\r\n", 5)
        r.out.len += 5


cdef void reply_simple(Reply* r, const char* text) noexcept nogil:
    reply_simple_slice(r, slice_text(text))


cdef void reply_simple_slice(Reply* r, Slice text) noexcept nogil:
    if room(r, text.len + 3):
        buf_append_byte(&r.out, c'+')
        buf_append(&r.out, text.ptr, text.len)
        buf_append(&r.out, b"\r\n", 2)


cdef void reply_error(Reply* r, const char* text) noexcept nogil:
    reply_error_slice(r, slice_text(text))


cdef void reply_error_slice(Reply* r, Slice text) noexcept nogil:
    reply_error_about(r, b"", slice_of(NULL, 0), b"")
    if r.out.failed or not room(r, text.len):
        return
    r.out.len -= 2
    append_line(r, text)
    buf_append(&r.out, b"\r\n", 2)


cdef void append_line(Reply* r, Slice text) noexcept nogil:
    """Appends text with line breaks made spaces; the room has been reserved."""
    cdef char* at = r.out.data + r.out.len
    if text.len:
        memcpy(at, text.ptr, text.len)
    r.out.len += text.len
    blank(at, text.len, 13)
    blank(at, text.len, 10)


cdef inline void blank(char* at, size_t size, char c) noexcept nogil:
    """Makes each such character a space."""
    cdef char* end = at + size
    cdef char* found = <char*>memchr(at, c, size)
    while found != NULL:
        found[0] = c' '
        found = <char*>memchr(found, c, end - found)


cdef void reply_error_about(Reply* r, const char* before, Slice what, const char* after) noexcept nogil:
    cdef const char* nul
    if what.len:
        # what Redis formats as a C string ends at a NUL
        nul = <const char*>memchr(what.ptr, 0, what.len)
        if nul != NULL:
            what.len = nul - what.ptr
    # also if there is no memory for its text: callers ask whether there was an error
    r.errors += 1
    r.error_at = r.out.len
    if not room(r, strlen(before) + what.len + strlen(after) + 3):
        return
    buf_append_byte(&r.out, c'-')
    buf_append_text(&r.out, before)
    append_line(r, what)
    buf_append_text(&r.out, after)
    buf_append(&r.out, b"\r\n", 2)


cdef void reply_int(Reply* r, int64_t n) noexcept nogil:
    header(r, c':', n)


cdef void write_long(Reply* r, char* at, Slice s) noexcept nogil:
    """Ends a bulk of which the header stands in front of `at`, but for its CR LF."""
    memcpy(at, b"\r\n", 2)
    mem_copy(at + 2, s.ptr, s.len)
    memcpy(at + 2 + s.len, b"\r\n", 2)
    r.out.len = at + 4 + s.len - r.out.data


cdef void reply_bulk(Reply* r, Slice s) noexcept nogil:
    cdef char* at
    if not room(r, s.len + HEADER_ROOM + 2):
        return
    at = r.out.data + r.out.len
    at[0] = c'$'
    if s.len < 10:
        at[1] = <char>(48 + s.len)
        at += 2
    elif s.len < 100:
        at[1] = <char>(48 + s.len // 10)
        at[2] = <char>(48 + s.len % 10)
        at += 3
    else:
        at += 1 + num_write_i64(at + 1, s.len)
        if s.len >= LONG:
            write_long(r, at, s)
            return
    at[0] = 13
    at[1] = 10
    at += 2
    copy_bytes(at, s.ptr, s.len)
    at += s.len
    at[0] = 13
    at[1] = 10
    r.out.len = at + 2 - r.out.data


cdef void reply_bulk_of(Reply* r, char** block, size_t len, size_t cap) noexcept nogil:
    cdef char[HEADER_ROOM] head
    cdef size_t before = <size_t>(write_header(head, c'$', <int64_t>len) - head)
    if r.out.len or r.out.failed or len < LONG or cap < before + len + 2:
        reply_bulk(r, slice_of(block[0], len))
        return
    # what has just been written is moved in less time than other pages take to be provided
    memmove(block[0] + before, block[0], len)
    memcpy(block[0], head, before)
    memcpy(block[0] + before + len, b"\r\n", 2)
    mem_free(r.out.data)
    r.out.data = block[0]
    r.out.len = before + len + 2
    r.out.cap = cap
    block[0] = NULL


cdef void reply_bulk_text(Reply* r, const char* text) noexcept nogil:
    reply_bulk(r, slice_text(text))


cdef void reply_bulk_int(Reply* r, int64_t n) noexcept nogil:
    cdef char text[24]
    reply_bulk(r, slice_of(text, num_write_i64(text, n)))


cdef void reply_null(Reply* r) noexcept nogil:
    if r.proto == 2:
        reply_raw(r, b"$-1\r\n", 5)
    else:
        reply_raw(r, b"_\r\n", 3)


cdef void reply_null_array(Reply* r) noexcept nogil:
    if r.proto == 2:
        reply_raw(r, b"*-1\r\n", 5)
    else:
        reply_raw(r, b"_\r\n", 3)


cdef void reply_array(Reply* r, int64_t n) noexcept nogil:
    header(r, c'*', n)


cdef void reply_map(Reply* r, int64_t pairs) noexcept nogil:
    if r.proto == 2:
        header(r, c'*', pairs * 2)
    else:
        header(r, c'%', pairs)


cdef void reply_set(Reply* r, int64_t n) noexcept nogil:
    header(r, c'*' if r.proto == 2 else c'~', n)


cdef void reply_push(Reply* r, int64_t n) noexcept nogil:
    header(r, c'*' if r.proto == 2 else c'>', n)


cdef void reply_double(Reply* r, double d) noexcept nogil:
    if r.proto == 2:
        reply_bulk_double(r, d)
    elif room(r, NUM_DOUBLE_TEXT + 3):
        buf_append_byte(&r.out, c',')
        r.out.len += num_write_double(r.out.data + r.out.len, d)
        buf_append(&r.out, b"\r\n", 2)


cdef void reply_bulk_double(Reply* r, double d) noexcept nogil:
    cdef char text[NUM_DOUBLE_TEXT]
    reply_bulk(r, slice_of(text, num_write_double(text, d)))


cdef void reply_bool(Reply* r, bint b) noexcept nogil:
    if r.proto == 2:
        reply_int(r, 1 if b else 0)
    else:
        reply_raw(r, b"#t\r\n" if b else b"#f\r\n", 4)


cdef void reply_big_number(Reply* r, Slice digits) noexcept nogil:
    if r.proto == 2:
        reply_bulk(r, digits)
    elif room(r, digits.len + 3):
        buf_append_byte(&r.out, c'(')
        buf_append(&r.out, digits.ptr, digits.len)
        buf_append(&r.out, b"\r\n", 2)


cdef void reply_verbatim(Reply* r, const char* kind, Slice text) noexcept nogil:
    if r.proto == 2:
        reply_bulk(r, text)
    elif room(r, text.len + HEADER_ROOM + 6):
        r.out.len = <size_t>(write_verbatim_header(r.out.data + r.out.len, r, kind, text.len) - r.out.data)
        buf_append(&r.out, text.ptr, text.len)
        buf_append(&r.out, b"\r\n", 2)


cdef char* write_verbatim_header(char* at, const Reply* r, const char* kind, size_t len) noexcept nogil:
    if r.proto == 2:
        return write_header(at, c'$', <int64_t>len)
    at = write_header(at, c'=', <int64_t>len + 4)
    memcpy(at, kind, 3)
    at[3] = c':'
    return at + 4


cdef size_t verbatim_header(const Reply* r, size_t len) noexcept nogil:
    cdef char[HEADER_ROOM] head
    return <size_t>(write_verbatim_header(head, r, b"txt", len) - head)


cdef void reply_verbatim_of(Reply* r, const char* kind, Buf* text, size_t at) noexcept nogil:
    cdef size_t len = text.len - at
    if r.out.len or r.out.failed or len < LONG or verbatim_header(r, len) != at or buf_reserve(text, 2) != 0:
        reply_verbatim(r, kind, slice_of(text.data + at, len))
        return
    write_verbatim_header(text.data, r, kind, len)
    buf_append(text, b"\r\n", 2)
    mem_free(r.out.data)
    r.out = text[0]
    buf_init(text)


cdef size_t reply_defer(Reply* r) noexcept nogil:
    return r.out.len


cdef void turn_round(Reply* r, size_t place, size_t before) noexcept nogil:
    """Puts what was written last, from `before` on, to its place: one move of the elements."""
    cdef char text[HEADER_ROOM + DEFERRED_BULK]
    cdef size_t length
    if r.out.failed:
        return
    length = r.out.len - before
    memcpy(text, r.out.data + before, length)
    memmove(r.out.data + place + length, r.out.data + place, before - place)
    memcpy(r.out.data + place, text, length)


cdef void insert_header(Reply* r, size_t place, char kind, int64_t n) noexcept nogil:
    cdef size_t before = r.out.len
    header(r, kind, n)
    turn_round(r, place, before)


cdef void reply_defer_array(Reply* r, size_t place, int64_t n) noexcept nogil:
    insert_header(r, place, c'*', n)


cdef void reply_defer_set(Reply* r, size_t place, int64_t n) noexcept nogil:
    insert_header(r, place, c'*' if r.proto == 2 else c'~', n)


cdef void reply_defer_map(Reply* r, size_t place, int64_t pairs) noexcept nogil:
    if r.proto == 2:
        insert_header(r, place, c'*', pairs * 2)
    else:
        insert_header(r, place, c'%', pairs)


cdef void reply_defer_bulk(Reply* r, size_t place, Slice s) noexcept nogil:
    cdef size_t before = r.out.len
    reply_bulk(r, s)
    turn_round(r, place, before)


cdef void reply_cut(Reply* r, size_t place) noexcept nogil:
    r.out.len = place
