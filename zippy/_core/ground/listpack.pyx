# Everything is found by walking from an end, so what is called for each element is inline and has the commonest forms first.

from libc.stdint cimport UINT32_MAX, int16_t, int32_t, uint64_t
from libc.stdlib cimport abort
from libc.string cimport memcpy, memmove
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_size
from zippy._core.ground.number cimport num_read_i64, num_write_i64
from zippy._core.ground.slice cimport prefetch, zippy_same

# An element: encoding byte(s) with the integer or the string's length, the string's bytes, and the length of both again, readable from
# behind.
cdef enum:
    HEADER = 6              # total bytes (4), elements (2); little endian
    END = 0xFF
    COUNT_UNKNOWN = 65535   # so many elements or more: they have to be counted
    INT_TEXT_MAX = 20       # no longer text is an int64
    AHEAD = 512             # bytes that are fetched ahead of a walk: the machine itself stops at the end of a page
    NINE = 0x39             # no text of a number starts with a byte above
    SLACK = 64              # a block is given back when more than this and half of it is unused
    STR32 = 0xF0
    INT16 = 0xF1
    INT24 = 0xF2
    INT32 = 0xF3
    INT64 = 0xF4


cdef struct Element:
    # what is to be written: an integer in its encoding, or a string
    const char* ptr          # NULL for an integer
    size_t len               # bytes of the string
    unsigned char[9] head    # encoding
    size_t head_len
    size_t body              # head and string
    size_t total             # with the backward length


cdef inline uint32_t total_bytes(const unsigned char* lp) noexcept nogil:
    cdef uint32_t n
    memcpy(&n, lp, 4)
    return n


cdef inline void set_total(unsigned char* lp, size_t size) noexcept nogil:
    cdef uint32_t n = <uint32_t>size
    memcpy(lp, &n, 4)


cdef inline uint32_t header_count(const unsigned char* lp) noexcept nogil:
    return lp[4] | (<uint32_t>lp[5] << 8)


cdef inline void set_count(unsigned char* lp, uint64_t count) noexcept nogil:
    if count > COUNT_UNKNOWN:
        count = COUNT_UNKNOWN
    lp[4] = <unsigned char>(count & 255)
    lp[5] = <unsigned char>(count >> 8)


cdef inline void add_count(unsigned char* lp, int64_t n) noexcept nogil:
    cdef int64_t count = header_count(lp)
    if count != COUNT_UNKNOWN:
        set_count(lp, <uint64_t>(count + n))


cdef inline size_t backlen_size(size_t body) noexcept nogil:
    # the bounds are the format's, one less than seven-bit groups would allow
    if body <= 127:
        return 1
    if body < 16383:
        return 2
    if body < 2097151:
        return 3
    if body < 268435455:
        return 4
    return 5


cdef inline void write_backlen(unsigned char* at, size_t body, size_t size) noexcept nogil:
    cdef size_t i
    for i in range(size):
        at[size - 1 - i] = <unsigned char>((body & 127) | (0 if i == size - 1 else 128))
        body >>= 7


cdef inline size_t body_size(const unsigned char* p) noexcept nogil:
    """Bytes of encoding and string of the element at p."""
    cdef unsigned char c = p[0]
    cdef uint32_t n
    if c < 0x80:
        return 1
    if c < 0xC0:
        return 1 + (c & 0x3F)
    if c < 0xE0:
        return 2
    if c < 0xF0:
        return 2 + ((<size_t>(c & 15) << 8) | p[1])
    if c == STR32:
        memcpy(&n, p + 1, 4)
        return 5 + <size_t>n
    if c == INT16:
        return 3
    if c == INT24:
        return 4
    if c == INT32:
        return 5
    return 9


cdef inline size_t element_size(const unsigned char* p) noexcept nogil:
    # the two commonest forms first: small integers and strings below 64 bytes have a backward length of one byte
    cdef unsigned char c = p[0]
    cdef size_t body
    if c < 0x80:
        return 2
    if c < 0xC0:
        return 2 + (c & 0x3F)
    body = body_size(p)
    return body + backlen_size(body)


cdef unsigned char* lp_new(size_t capacity) noexcept nogil:
    cdef unsigned char* lp = <unsigned char*>mem_alloc(capacity if capacity > HEADER + 1 else HEADER + 1)
    set_total(lp, HEADER + 1)
    set_count(lp, 0)
    lp[HEADER] = END
    return lp


cdef void lp_free(unsigned char* lp) noexcept nogil:
    mem_free(lp)


cdef unsigned char* lp_copy(const unsigned char* lp) noexcept nogil:
    cdef unsigned char* copy = <unsigned char*>mem_alloc(total_bytes(lp))
    memcpy(copy, lp, total_bytes(lp))
    return copy


cdef size_t lp_bytes(const unsigned char* lp) noexcept nogil:
    return total_bytes(lp)


cdef uint32_t lp_length(const unsigned char* lp) noexcept nogil:
    cdef uint32_t count = header_count(lp)
    cdef const unsigned char* p
    if count != COUNT_UNKNOWN:
        return count
    count = 0
    p = lp + HEADER
    while p[0] != END:
        count += 1
        p += element_size(p)
    if count < COUNT_UNKNOWN:
        set_count(<unsigned char*>lp, count)
    return count


cdef bint lp_fits(const unsigned char* lp, size_t extra) noexcept nogil:
    return extra <= LP_MAX_BYTES and total_bytes(lp) + extra <= LP_MAX_BYTES


cdef unsigned char* lp_first(const unsigned char* lp) noexcept nogil:
    return NULL if lp[HEADER] == END else <unsigned char*>lp + HEADER


cdef unsigned char* lp_next(const unsigned char* lp, const unsigned char* p) noexcept nogil:
    p += element_size(p)
    return NULL if p[0] == END else <unsigned char*>p


cdef unsigned char* lp_prev(const unsigned char* lp, const unsigned char* p) noexcept nogil:
    """The element before p, or before the end mark."""
    cdef size_t body = 0
    cdef int shift = 0
    if p == lp + HEADER:
        return NULL
    p -= 1
    while True:
        body |= <size_t>(p[0] & 127) << shift
        if not p[0] & 128:
            break
        shift += 7
        p -= 1
    return <unsigned char*>p - body


cdef unsigned char* lp_last(const unsigned char* lp) noexcept nogil:
    return lp_prev(lp, lp + total_bytes(lp) - 1)


cdef uint32_t* lp_places(const unsigned char* lp, int step) noexcept nogil:
    cdef uint32_t* places = <uint32_t*>mem_alloc((lp_length(lp) // step + 1) * sizeof(uint32_t))
    cdef unsigned char* p = lp_first(lp)
    cdef size_t count = 0
    cdef int _
    while p != NULL:
        places[count] = <uint32_t>(p - lp)
        count += 1
        for _ in range(step):
            p = lp_next(lp, p) if p != NULL else NULL
    return places


cdef unsigned char* lp_seek(const unsigned char* lp, long index) noexcept nogil:
    cdef long count = header_count(lp)
    cdef unsigned char* p
    cdef bint forward = index >= 0
    if count != COUNT_UNKNOWN:
        if index < 0:
            index += count
        if index < 0 or index >= count:
            return NULL
        forward = index <= count // 2
        if not forward:
            index -= count
    if forward:
        p = lp_first(lp)
        while index > 0 and p != NULL:
            p = lp_next(lp, p)
            index -= 1
        return p
    p = lp_last(lp)
    while index < -1 and p != NULL:
        p = lp_prev(lp, p)
        index += 1
    return p


cdef inline int64_t int_at(const unsigned char* p) noexcept nogil:
    """The value of an integer element."""
    cdef unsigned char c = p[0]
    cdef int64_t n
    cdef int32_t n32
    cdef int16_t n16
    if c < 0x80:
        return c
    if c < 0xE0:
        n = (<int64_t>(c & 31) << 8) | p[1]
        return n - 8192 if n >= 4096 else n
    if c == INT16:
        memcpy(&n16, p + 1, 2)
        return n16
    if c == INT24:
        n = p[1] | (<int64_t>p[2] << 8) | (<int64_t>p[3] << 16)
        return n - (1 << 24) if n & 0x800000 else n
    if c == INT32:
        memcpy(&n32, p + 1, 4)
        return n32
    memcpy(&n, p + 1, 8)
    return n


cdef inline const unsigned char* string_at(const unsigned char* p, size_t* len) noexcept nogil:
    """The bytes of a string element, NULL for an integer."""
    cdef unsigned char c = p[0]
    cdef uint32_t n
    if 0x80 <= c < 0xC0:
        len[0] = c & 0x3F
        return p + 1
    if 0xE0 <= c < 0xF0:
        len[0] = (<size_t>(c & 15) << 8) | p[1]
        return p + 2
    if c == STR32:
        memcpy(&n, p + 1, 4)
        len[0] = n
        return p + 5
    return NULL


cdef void lp_get(const unsigned char* p, LpItem* item) noexcept nogil:
    item.len = 0
    item.ptr = <const char*>string_at(p, &item.len)
    item.num = 0 if item.ptr != NULL else int_at(p)


cdef int lp_items(const unsigned char* p, LpItem* items, int most, unsigned char** last) noexcept nogil:
    cdef int count = 0
    cdef unsigned char c
    while count < most and p[0] != END:
        prefetch(p + AHEAD)
        c = p[0]
        last[0] = <unsigned char*>p
        if c < 0x80:
            items[count].ptr = NULL
            items[count].len = 0
            items[count].num = c
            p += 2
        elif c < 0xC0:
            items[count].ptr = <const char*>(p + 1)
            items[count].len = c & 0x3F
            items[count].num = 0
            p += 2 + (c & 0x3F)
        else:
            lp_get(p, &items[count])
            p += element_size(p)
        count += 1
    return count


cdef Slice lp_text(const unsigned char* p, char* scratch) noexcept nogil:
    cdef LpItem item
    lp_get(p, &item)
    if item.ptr != NULL:
        return slice_of(item.ptr, item.len)
    return slice_of(scratch, num_write_i64(scratch, item.num))


cdef inline bint reads_as_int(Slice s, int64_t* n) noexcept nogil:
    return 0 < s.len <= INT_TEXT_MAX and <unsigned char>s.ptr[0] <= NINE and num_read_i64(s, n)


cdef LpNeedle lp_needle(Slice s) noexcept nogil:
    cdef LpNeedle needle
    needle.text = s
    needle.num = 0
    needle.is_int = reads_as_int(s, &needle.num)
    return needle


cdef bint lp_matches(const unsigned char* p, const LpNeedle* needle) noexcept nogil:
    # a string that reads as an integer is never written by us, but may come so from a file
    cdef size_t len
    cdef const unsigned char* string = string_at(p, &len)
    if string != NULL:
        return len == needle.text.len and zippy_same(<const char*>string, needle.text.ptr, len)
    return needle.is_int and int_at(p) == needle.num


cdef bint lp_equals(const unsigned char* p, Slice s) noexcept nogil:
    cdef LpNeedle needle = lp_needle(s)
    return lp_matches(p, &needle)


cdef unsigned char* lp_find(const unsigned char* lp, unsigned char* p, Slice s, unsigned int skip) noexcept nogil:
    cdef LpNeedle needle = lp_needle(s)
    cdef unsigned int _
    while p != NULL and p[0] != END:
        if lp_matches(p, &needle):
            return p
        p += element_size(p)
        for _ in range(skip):
            if p[0] == END:
                return NULL
            p += element_size(p)
    return NULL


cdef unsigned char* lp_search(
    unsigned char* p, const LpNeedle* needle, uint64_t most, unsigned char** last, uint64_t* count
) noexcept nogil:
    cdef uint64_t left = most
    cdef bint found = False
    cdef unsigned char c
    while left and p[0] != END and not found:
        prefetch(p + AHEAD)
        c = p[0]
        left -= 1
        last[0] = p
        if c < 0x80:
            found = needle.is_int and needle.num == c
            p += 2
        elif c < 0xC0:
            found = (c & 0x3F) == needle.text.len and zippy_same(<const char*>p + 1, needle.text.ptr, needle.text.len)
            p += 2 + (c & 0x3F)
        else:
            found = lp_matches(p, needle)
            p += element_size(p)
    count[0] = most - left
    return last[0] if found else NULL


cdef void encode_int(Element* e, int64_t n) noexcept nogil:
    cdef int32_t n32
    cdef int16_t n16
    e.ptr = NULL
    e.len = 0
    if 0 <= n <= 127:
        e.head[0] = <unsigned char>n
        e.head_len = 1
    elif -4096 <= n <= 4095:
        e.head[0] = <unsigned char>(0xC0 | ((n >> 8) & 31))
        e.head[1] = <unsigned char>(n & 255)
        e.head_len = 2
    elif -32768 <= n <= 32767:
        e.head[0] = INT16
        n16 = <int16_t>n
        memcpy(&e.head[1], &n16, 2)
        e.head_len = 3
    elif -8388608 <= n <= 8388607:
        e.head[0] = INT24
        e.head[1] = <unsigned char>(n & 255)
        e.head[2] = <unsigned char>((n >> 8) & 255)
        e.head[3] = <unsigned char>((n >> 16) & 255)
        e.head_len = 4
    elif -2147483648 <= n <= 2147483647:
        e.head[0] = INT32
        n32 = <int32_t>n
        memcpy(&e.head[1], &n32, 4)
        e.head_len = 5
    else:
        e.head[0] = INT64
        memcpy(&e.head[1], &n, 8)
        e.head_len = 9
    e.body = e.head_len
    e.total = e.body + 1


cdef void encode(Element* e, Slice s) noexcept nogil:
    cdef int64_t n
    cdef uint32_t length
    if reads_as_int(s, &n):
        encode_int(e, n)
        return
    e.ptr = s.ptr
    e.len = s.len
    if s.len < 64:
        e.head[0] = <unsigned char>(0x80 | s.len)
        e.head_len = 1
    elif s.len < 4096:
        e.head[0] = <unsigned char>(0xE0 | (s.len >> 8))
        e.head[1] = <unsigned char>(s.len & 255)
        e.head_len = 2
    else:
        e.head[0] = STR32
        length = <uint32_t>s.len
        memcpy(&e.head[1], &length, 4)
        e.head_len = 5
    e.body = e.head_len + s.len
    e.total = e.body + backlen_size(e.body)


cdef void write_element(unsigned char* at, const Element* e) noexcept nogil:
    memcpy(at, e.head, e.head_len)
    if e.len:
        memcpy(at + e.head_len, e.ptr, e.len)
    write_backlen(at + e.body, e.body, e.total - e.body)


cdef inline unsigned char* grown(unsigned char* lp, size_t size) noexcept nogil:
    """The block with room for size bytes."""
    if size > UINT32_MAX:
        # whoever builds listpacks asks lp_fits long before
        abort()
    return lp if size <= mem_size(lp) else <unsigned char*>mem_realloc(lp, size)


cdef inline unsigned char* shrunk(unsigned char* lp, size_t size) noexcept nogil:
    """The block without what is far too much for size bytes."""
    return lp if mem_size(lp) <= 2 * size + SLACK else <unsigned char*>mem_realloc(lp, size)


cdef unsigned char* splice(unsigned char* lp, size_t at, size_t old, const Element* e) noexcept nogil:
    """Puts e in the place of `old` bytes at the offset `at`."""
    cdef size_t size = total_bytes(lp)
    cdef size_t after = size + e.total - old
    if after > size:
        lp = grown(lp, after)
    if after != size:
        memmove(lp + at + e.total, lp + at + old, size - at - old)
        set_total(lp, after)
    write_element(lp + at, e)
    return shrunk(lp, after) if after < size else lp


cdef unsigned char* add(unsigned char* lp, size_t at, const Element* e) noexcept nogil:
    lp = splice(lp, at, 0, e)
    add_count(lp, 1)
    return lp


cdef unsigned char* lp_append(unsigned char* lp, Slice s) noexcept nogil:
    cdef Element e
    encode(&e, s)
    return add(lp, total_bytes(lp) - 1, &e)


cdef unsigned char* lp_prepend(unsigned char* lp, Slice s) noexcept nogil:
    cdef Element e
    encode(&e, s)
    return add(lp, HEADER, &e)


cdef unsigned char* lp_prepend_into(unsigned char* lp, Slice s) noexcept nogil:
    cdef Element e
    cdef size_t size = total_bytes(lp)
    cdef uint32_t count = header_count(lp)
    encode(&e, s)
    write_element(lp + HEADER - e.total, &e)
    lp -= e.total
    set_total(lp, size + e.total)
    set_count(lp, count)
    add_count(lp, 1)
    return lp


cdef inline void append_into(unsigned char* lp, const Element* e) noexcept nogil:
    cdef size_t size = total_bytes(lp)
    write_element(lp + size - 1, e)
    lp[size + e.total - 1] = END
    set_total(lp, size + e.total)
    add_count(lp, 1)


cdef void lp_append_into(unsigned char* lp, Slice s) noexcept nogil:
    cdef Element e
    encode(&e, s)
    append_into(lp, &e)


cdef void lp_append_int_into(unsigned char* lp, int64_t n) noexcept nogil:
    cdef Element e
    encode_int(&e, n)
    append_into(lp, &e)


cdef unsigned char* lp_begin_at(unsigned char* lp, unsigned char* p, uint32_t gone) noexcept nogil:
    cdef size_t size = total_bytes(lp) - (p - lp - HEADER)
    cdef uint32_t count = header_count(lp)
    lp = p - HEADER
    set_total(lp, size)
    set_count(lp, count)
    add_count(lp, -<int64_t>gone)
    return lp


cdef void lp_end_at(unsigned char* lp, unsigned char* p, uint32_t gone) noexcept nogil:
    p[0] = END
    set_total(lp, p + 1 - lp)
    add_count(lp, -<int64_t>gone)


cdef unsigned char* lp_append_int(unsigned char* lp, int64_t n) noexcept nogil:
    cdef Element e
    encode_int(&e, n)
    return add(lp, total_bytes(lp) - 1, &e)


cdef unsigned char* lp_extend(unsigned char* lp, const unsigned char* other) noexcept nogil:
    cdef size_t size = total_bytes(lp)
    cdef size_t more = total_bytes(other) - HEADER - 1
    cdef uint64_t count = <uint64_t>lp_length(lp) + lp_length(other)
    lp = grown(lp, size + more)
    memcpy(lp + size - 1, other + HEADER, more + 1)
    set_total(lp, size + more)
    set_count(lp, count)
    return lp


cdef unsigned char* lp_insert(unsigned char* lp, Slice s, unsigned char* p, int where, unsigned char** at) noexcept nogil:
    cdef Element e
    cdef size_t offset = p - lp
    if where == LP_AFTER:
        offset += element_size(p)
    encode(&e, s)
    lp = add(lp, offset, &e)
    if at != NULL:
        at[0] = lp + offset
    return lp


cdef unsigned char* replace(unsigned char* lp, unsigned char** p, const Element* e) noexcept nogil:
    cdef size_t offset = p[0] - lp
    lp = splice(lp, offset, element_size(p[0]), e)
    p[0] = lp + offset
    return lp


cdef unsigned char* lp_replace(unsigned char* lp, unsigned char** p, Slice s) noexcept nogil:
    cdef Element e
    encode(&e, s)
    return replace(lp, p, &e)


cdef unsigned char* lp_replace_int(unsigned char* lp, unsigned char** p, int64_t n) noexcept nogil:
    cdef Element e
    encode_int(&e, n)
    return replace(lp, p, &e)


cdef unsigned char* lp_delete(unsigned char* lp, unsigned char* p, unsigned char** next) noexcept nogil:
    lp = lp_delete_range_at(lp, &p, 1)
    if next != NULL:
        next[0] = p
    return lp


cdef unsigned char* lp_delete_range(unsigned char* lp, long index, unsigned long count) noexcept nogil:
    cdef unsigned char* p = lp_seek(lp, index)
    if p == NULL:
        return lp
    return lp_delete_range_at(lp, &p, count)


cdef unsigned char* lp_delete_range_at(unsigned char* lp, unsigned char** p, unsigned long count) noexcept nogil:
    cdef size_t size = total_bytes(lp)
    cdef size_t offset = p[0] - lp
    cdef unsigned char* tail = p[0]
    cdef unsigned long deleted = 0
    while deleted < count and tail[0] != END:
        tail += element_size(tail)
        deleted += 1
    memmove(p[0], tail, size - (tail - lp))
    size -= tail - p[0]
    set_total(lp, size)
    add_count(lp, -<int64_t>deleted)
    lp = shrunk(lp, size)
    p[0] = NULL if lp[offset] == END else lp + offset
    return lp


cdef void lp_move(unsigned char* lp, unsigned char* p, unsigned long count, unsigned char* to) noexcept nogil:
    cdef unsigned char* end = p
    cdef void* moving
    cdef size_t size
    cdef unsigned long _
    for _ in range(count):
        end += element_size(end)
    if to == NULL:
        to = lp + total_bytes(lp) - 1
    size = end - p
    moving = mem_alloc(size)
    memcpy(moving, p, size)
    if to > p:
        memmove(p, end, to - end)
        memcpy(to - size, moving, size)
    else:
        memmove(to + size, to, p - to)
        memcpy(to, moving, size)
    mem_free(moving)


cdef bint head_fits(const unsigned char* p, size_t room) noexcept nogil:
    """Are the bytes that tell the element's size inside of the room?"""
    cdef unsigned char c = p[0]
    if 0xE0 <= c < 0xF0:
        return room >= 2
    if c == STR32:
        return room >= 5
    return c <= INT64


cdef bint lp_valid(const unsigned char* lp, size_t size, bint deep) noexcept nogil:
    cdef size_t at = HEADER
    cdef size_t body
    cdef size_t back
    cdef uint64_t count = 0
    cdef const unsigned char* p
    if size < HEADER + 1 or total_bytes(lp) != size or lp[size - 1] != END:
        return False
    if not deep:
        return True
    while at < size - 1:
        p = lp + at
        if not head_fits(p, size - 1 - at):
            return False
        body = body_size(p)
        back = backlen_size(body)
        if body + back > size - 1 - at or not backlen_matches(p + body, body, back):
            return False
        at += body + back
        count += 1
    return header_count(lp) == COUNT_UNKNOWN or header_count(lp) == count


cdef bint backlen_matches(const unsigned char* at, size_t body, size_t size) noexcept nogil:
    cdef unsigned char[5] expected
    cdef size_t i
    write_backlen(expected, body, size)
    # mostly one byte, for which a call of memcmp takes longer than all the rest
    for i in range(size):
        if at[i] != expected[i]:
            return False
    return True
