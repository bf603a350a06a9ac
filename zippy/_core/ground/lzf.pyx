# The stream: a control byte below 32 announces that many literals plus one. Any other one announces a match: its top three bits are the
# length less two (7: the next byte is added), its low five and the last byte the distance less one.
#
# Literals and matches are short, and a call of memcpy costs more than they do: where there is room behind them they are copied in eights.

from libc.stdint cimport UINT32_MAX, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.slice cimport copy_bytes

cdef enum:
    MIN_BITS = 6            # of the hash: a small table for a small input, since clearing it would cost more than compressing
    MAX_BITS = 14
    MAX_LITERALS = 32
    MAX_DISTANCE = 8192
    MIN_MATCH = 3
    MAX_MATCH = 264
    PATIENCE = 8            # after each 2 ** PATIENCE bytes without a match one more is skipped
    MAX_SKIPPED = 31        # between two places that are looked at
    LONG_MATCH = 9          # from here on the length needs a byte more


cdef struct Output:
    unsigned char* data
    size_t len      # bytes written
    size_t room
    bint full       # something did not fit


cdef inline uint32_t slot(const unsigned char* p, int bits) noexcept nogil:
    """Of the three bytes at p; there has to be a fourth."""
    cdef uint32_t four
    memcpy(&four, p, 4)
    return ((four << 8) * <uint32_t>0x9E3779B1) >> (32 - bits)


cdef inline bint begins_match(const unsigned char* a, const unsigned char* b) noexcept nogil:
    return a[0] == b[0] and a[1] == b[1] and a[2] == b[2]


cdef inline size_t match_length(const unsigned char* a, const unsigned char* b, size_t limit) noexcept nogil:
    """How many bytes are equal, of at most so many."""
    cdef size_t n = 0
    cdef uint64_t x
    cdef uint64_t y
    while n + 8 <= limit:
        memcpy(&x, a + n, 8)
        memcpy(&y, b + n, 8)
        if x != y:
            break
        n += 8
    while n < limit and a[n] == b[n]:
        n += 1
    return n


cdef inline void put_literals(Output* out, const unsigned char* p, size_t count) noexcept nogil:
    cdef size_t run
    if count + (count + MAX_LITERALS - 1) // MAX_LITERALS > out.room - out.len:
        out.full = True
    while count and not out.full:
        run = count if count < MAX_LITERALS else MAX_LITERALS
        out.data[out.len] = <unsigned char>(run - 1)
        copy_bytes(<char*>out.data + out.len + 1, <const char*>p, run)
        out.len += run + 1
        p += run
        count -= run


cdef inline void put_match(Output* out, size_t distance, size_t length) noexcept nogil:
    cdef unsigned char high = <unsigned char>((distance - 1) >> 8)
    if out.full or out.room - out.len < <size_t>(2 if length < LONG_MATCH else 3):
        out.full = True
        return
    if length < LONG_MATCH:
        out.data[out.len] = <unsigned char>((length - 2) << 5) | high
    else:
        out.data[out.len] = <unsigned char>(7 << 5) | high
        out.len += 1
        out.data[out.len] = <unsigned char>(length - LONG_MATCH)
    out.data[out.len + 1] = <unsigned char>((distance - 1) & 0xFF)
    out.len += 2


cdef size_t lzf_compress(const void* src, size_t len, void* dst, size_t room) noexcept nogil:
    cdef uint32_t[1 << MAX_BITS] seen   # where three bytes with this hash were last, plus one
    cdef const unsigned char* data = <const unsigned char*>src
    cdef Output out
    cdef int bits = MIN_BITS
    cdef size_t i = 0
    cdef size_t done = 0                # so far the input is in the output
    cdef size_t last
    cdef size_t length
    cdef uint32_t place
    out.data = <unsigned char*>dst
    out.len = 0
    out.room = room
    out.full = len >= UINT32_MAX
    while bits < MAX_BITS and (<size_t>1 << bits) < len:
        bits += 1
    memset(seen, 0, sizeof(uint32_t) << bits)
    while i + MIN_MATCH < len and not out.full:
        place = slot(data + i, bits)
        last = seen[place]
        seen[place] = <uint32_t>(i + 1)
        length = 0
        if last and i + 1 - last <= MAX_DISTANCE and begins_match(data + last - 1, data + i):
            length = match_length(data + last - 1, data + i, len - i if len - i < MAX_MATCH else MAX_MATCH)
        if length < MIN_MATCH:
            # the longer nothing repeats the less is it looked for
            i += 1 + ((i - done) >> PATIENCE if (i - done) >> PATIENCE < MAX_SKIPPED else MAX_SKIPPED)
            continue
        put_literals(&out, data + done, i - done)
        put_match(&out, i + 1 - last, length)
        i += length
        done = i
        if i + 2 < len:
            # what repeats often goes on where the match ended: its last bytes may start the next one
            seen[slot(data + i - 1, bits)] = <uint32_t>i
    put_literals(&out, data + done, len - done)
    return 0 if out.full else out.len


cdef inline void copy_eights(unsigned char* to, const unsigned char* source, size_t length) noexcept nogil:
    """Copies up to seven bytes more than asked for. What it reads may have been written by it eight bytes before."""
    cdef size_t i = 0
    cdef uint64_t eight
    while i < length:
        memcpy(&eight, source + i, 8)
        memcpy(to + i, &eight, 8)
        i += 8


cdef inline void copy_match(unsigned char* to, size_t distance, size_t length, size_t room) noexcept nogil:
    """room: bytes that may be written from `to` on."""
    cdef size_t i
    if distance >= 8 and length + 8 <= room:
        copy_eights(to, to - distance, length)
        return
    if distance >= length:
        memcpy(to, to - distance, length)
        return
    # a match may reach into what it writes itself: that is how runs are told
    if distance == 1:
        memset(to, (to - 1)[0], length)
        return
    for i in range(length):
        to[i] = (to - distance)[i]


cdef size_t lzf_decompress(const void* src, size_t len, void* dst, size_t room) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>src
    cdef const unsigned char* end = p + len
    cdef unsigned char* out = <unsigned char*>dst
    cdef size_t at = 0
    cdef size_t length
    cdef size_t distance
    while p < end:
        if p[0] < MAX_LITERALS:
            length = <size_t>p[0] + 1
            if length >= <size_t>(end - p) or length > room - at:
                return 0
            if length + 8 <= room - at and length + 8 < <size_t>(end - p):
                copy_eights(out + at, p + 1, length)
            else:
                memcpy(out + at, p + 1, length)
            p += 1 + length
        else:
            length = (p[0] >> 5) + 2
            if end - p < (3 if length == LONG_MATCH else 2):
                return 0
            distance = <size_t>(p[0] & 31) << 8
            if length == LONG_MATCH:
                p += 1
                length += p[0]
            distance += <size_t>p[1] + 1
            if distance > at or length > room - at:
                return 0
            copy_match(out + at, distance, length, room - at)
            p += 2
        at += length
    return at
