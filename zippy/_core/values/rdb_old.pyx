# A ziplist: bytes (4), offset of the last entry (4), entries (2), entries, 0xFF. An entry: size of the one before (1, or 0xFE and 4), a
# head that is a string's length or an integer's kind, and the string or integer. Integers are little endian, lengths of strings big endian.
# A zipmap: entries (1, or 254: unknown), then length, field, length, free bytes (1), value, the free bytes; 0xFF. A length: 1, or 0xFE and
# 4.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.ground.listpack cimport LP_MAX_BYTES, lp_append, lp_append_int, lp_free, lp_new

cdef enum:
    ZIPLIST_HEADER = 10
    END = 0xFF
    WIDE = 0xFE                 # four bytes of length follow
    COUNT_UNKNOWN = 0xFFFF
    BLOCK_MAX = LP_MAX_BYTES // 4     # bytes: what a listpack surely holds
    ZL_INT16 = 0xC0
    ZL_INT32 = 0xD0
    ZL_INT64 = 0xE0
    ZL_INT24 = 0xF0
    ZL_INT8 = 0xFE
    ZL_SMALL_FIRST = 0xF1       # from here to 0xFD: the integers 0 to 12 themselves
    ZL_SMALL_LAST = 0xFD


cdef struct Cursor:
    const unsigned char* data
    size_t at
    size_t end                  # where the end mark is


cdef inline uint32_t four_bytes(const unsigned char* p) noexcept nogil:
    cdef uint32_t n
    memcpy(&n, p, 4)
    return n


cdef inline uint16_t two_bytes(const unsigned char* p) noexcept nogil:
    cdef uint16_t n
    memcpy(&n, p, 2)
    return n


cdef inline bint has(const Cursor* c, size_t len) noexcept nogil:
    return len <= c.end - c.at


cdef bint take(Cursor* c, size_t len, Slice* s) noexcept nogil:
    if not has(c, len):
        return False
    s[0] = slice_of(<const char*>c.data + c.at, len)
    c.at += len
    return True


cdef bint ziplist_string(Cursor* c, Slice* s) noexcept nogil:
    cdef const unsigned char* p = c.data + c.at
    cdef size_t len
    if p[0] >> 6 == 0:
        len = p[0] & 63
        c.at += 1
    elif p[0] >> 6 == 1:
        if not has(c, 2):
            return False
        len = (<size_t>(p[0] & 63) << 8) | p[1]
        c.at += 2
    else:
        if p[0] != 0x80 or not has(c, 5):
            return False
        len = (<size_t>p[1] << 24) | (<size_t>p[2] << 16) | (<size_t>p[3] << 8) | p[4]
        c.at += 5
    return take(c, len, s)


cdef bint ziplist_integer(Cursor* c, int64_t* n) noexcept nogil:
    cdef int head = c.data[c.at]
    cdef Slice s
    cdef int size
    c.at += 1
    if ZL_SMALL_FIRST <= head <= ZL_SMALL_LAST:
        n[0] = head - ZL_SMALL_FIRST
        return True
    if head == ZL_INT8:
        size = 1
    elif head == ZL_INT16:
        size = 2
    elif head == ZL_INT24:
        size = 3
    elif head == ZL_INT32:
        size = 4
    elif head == ZL_INT64:
        size = 8
    else:
        return False
    if not take(c, size, &s):
        return False
    if size == 1:
        n[0] = <int8_t>s.ptr[0]
    elif size == 2:
        n[0] = <int16_t>two_bytes(<const unsigned char*>s.ptr)
    elif size == 3:
        # the sign is in the third byte: read as the top of four
        n[0] = <int32_t>(<uint32_t>two_bytes(<const unsigned char*>s.ptr) << 8 | <uint32_t>(<unsigned char>s.ptr[2]) << 24) >> 8
    elif size == 4:
        n[0] = <int32_t>four_bytes(<const unsigned char*>s.ptr)
    else:
        memcpy(n, s.ptr, 8)
    return True


cdef bint ziplist_entry(Cursor* c, size_t before, unsigned char** lp) noexcept nogil:
    """Appends the entry at the cursor to *lp; before: the size of the entry before, which it repeats."""
    cdef size_t told
    cdef Slice s
    cdef int64_t n
    if not has(c, 6) and c.data[c.at] == WIDE:
        return False
    if c.data[c.at] == WIDE:
        told = four_bytes(c.data + c.at + 1)
        c.at += 5
    else:
        told = c.data[c.at]
        c.at += 1
    if told != before or not has(c, 1):
        return False
    if c.data[c.at] >> 6 != 3:
        if not ziplist_string(c, &s):
            return False
        lp[0] = lp_append(lp[0], s)
    else:
        if not ziplist_integer(c, &n):
            return False
        lp[0] = lp_append_int(lp[0], n)
    return True


cdef unsigned char* listpack_of_ziplist(const unsigned char* block, size_t size) noexcept nogil:
    cdef Cursor c
    cdef unsigned char* lp
    cdef size_t start
    cdef size_t before = 0
    cdef size_t last = ZIPLIST_HEADER
    cdef uint32_t count = 0
    cdef bint good = True
    if size < ZIPLIST_HEADER + 1 or size > BLOCK_MAX or four_bytes(block) != size or block[size - 1] != END:
        return NULL
    c.data = block
    c.at = ZIPLIST_HEADER
    c.end = size - 1
    lp = lp_new(size)
    while good and c.at < c.end:
        start = c.at
        good = ziplist_entry(&c, before, &lp)
        before = c.at - start
        last = start
        count += 1
    if good and two_bytes(block + 8) != COUNT_UNKNOWN and two_bytes(block + 8) != count or four_bytes(block + 4) != last:
        good = False
    if not good:
        lp_free(lp)
        return NULL
    return lp


cdef bint zipmap_length(Cursor* c, size_t* len) noexcept nogil:
    if not has(c, 1):
        return False
    len[0] = c.data[c.at]
    c.at += 1
    if len[0] == END:
        return False
    if len[0] == WIDE:
        if not has(c, 4):
            return False
        len[0] = four_bytes(c.data + c.at)
        c.at += 4
    return True


cdef bint zipmap_entry(Cursor* c, unsigned char** lp) noexcept nogil:
    cdef size_t len
    cdef size_t unused
    cdef Slice field
    cdef Slice value
    if not zipmap_length(c, &len) or not take(c, len, &field) or not zipmap_length(c, &len) or not has(c, 1):
        return False
    unused = c.data[c.at]
    c.at += 1
    if not take(c, len, &value) or not has(c, unused):
        return False
    c.at += unused
    lp[0] = lp_append(lp_append(lp[0], field), value)
    return True


cdef unsigned char* listpack_of_zipmap(const unsigned char* block, size_t size) noexcept nogil:
    cdef Cursor c
    cdef unsigned char* lp
    cdef int count = 0
    if size < 2 or size > BLOCK_MAX or block[size - 1] != END:
        return NULL
    c.data = block
    c.at = 1
    c.end = size - 1
    lp = lp_new(size)
    while c.at < c.end:
        if not zipmap_entry(&c, &lp):
            lp_free(lp)
            return NULL
        count += 1
    if block[0] != WIDE and block[0] != count:
        lp_free(lp)
        return NULL
    return lp
