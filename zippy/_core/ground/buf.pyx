# Buffers grow by doubling. One that could not grow stays as it was and says so in the result; who writes several times asks once, at the
# end.

from libc.string cimport memcmp, memcpy, memmove, strlen
from zippy._core.ground.mem cimport mem_copy, mem_free, mem_try_realloc
from zippy._core.ground.number cimport num_write_i64

cdef enum:
    KEPT_CAPACITY = 16 * 1024
    LONG = 1 << 20        # bytes whose copying is worth a care
    BEHIND = 1024         # room behind so many, so that what is short and follows does not have them copied


cdef int slice_compare(Slice a, Slice b) noexcept nogil:
    cdef size_t shorter = a.len if a.len < b.len else b.len
    cdef int order = memcmp(a.ptr, b.ptr, shorter) if shorter else 0
    if order != 0:
        return order
    return (a.len > b.len) - (a.len < b.len)


cdef bint slice_is(Slice s, const char* word) noexcept nogil:
    cdef size_t i
    cdef char c
    for i in range(s.len):
        c = s.ptr[i]
        if 65 <= c <= 90:
            c += 32
        if c != word[i] or word[i] == 0:
            return False
    return word[s.len] == 0


cdef Slice slice_text(const char* text) noexcept nogil:
    return slice_of(text, strlen(text))


cdef void buf_init(Buf* b) noexcept nogil:
    b.data = NULL
    b.len = 0
    b.cap = 0
    b.failed = False


cdef void buf_free(Buf* b) noexcept nogil:
    mem_free(b.data)
    buf_init(b)


cdef void buf_clear(Buf* b) noexcept nogil:
    if b.cap > KEPT_CAPACITY or b.failed:
        buf_free(b)
    b.len = 0


cdef int fail(Buf* b) noexcept nogil:
    """Remembers it, and takes away the room: whoever looks only for that finds none. Returns -1."""
    b.failed = True
    b.cap = b.len
    return -1


cdef int buf_reserve(Buf* b, size_t extra) noexcept nogil:
    cdef size_t need = b.len + extra
    cdef size_t cap
    cdef char* data
    if need <= b.cap:
        return 0
    if need < b.len or b.failed:
        return fail(b)
    cap = b.cap * 2 if b.cap < (1 << 20) else b.cap + (b.cap >> 1)
    if cap < need:
        cap = need + BEHIND if need >= LONG else need
    if cap < 64:
        cap = 64
    data = <char*>mem_try_realloc(b.data, cap)
    if data == NULL:
        return fail(b)
    b.data = data
    b.cap = cap
    return 0


cdef char* buf_add(Buf* b, size_t len) noexcept nogil:
    if buf_reserve(b, len) != 0:
        return NULL
    b.len += len
    return b.data + b.len - len


cdef int buf_append(Buf* b, const void* ptr, size_t len) noexcept nogil:
    if buf_reserve(b, len) != 0:
        return -1
    if len >= LONG:
        mem_copy(b.data + b.len, ptr, len)
    elif len:
        memcpy(b.data + b.len, ptr, len)
    b.len += len
    return 0


cdef int buf_append_byte(Buf* b, char c) noexcept nogil:
    if b.len == b.cap and buf_reserve(b, 1) != 0:
        return -1
    b.data[b.len] = c
    b.len += 1
    return 0


cdef int buf_append_text(Buf* b, const char* text) noexcept nogil:
    return buf_append(b, text, strlen(text))


cdef int buf_append_i64(Buf* b, long long n) noexcept nogil:
    if buf_reserve(b, 24) != 0:
        return -1
    b.len += num_write_i64(b.data + b.len, n)
    return 0


cdef void buf_drop_front(Buf* b, size_t n) noexcept nogil:
    if n >= b.len:
        b.len = 0
        return
    memmove(b.data, b.data + n, b.len - n)
    b.len -= n
