from libc.string cimport memcpy, memset

# The stream: a control byte below 32 announces that many literals plus one; else its top three bits are the match's length (7: another byte
# follows), its low five and the next byte the distance less one.
cdef enum:
    HASH_BITS = 14
    HASH_SLOTS = 16384
    MAX_LITERALS = 32
    MAX_DISTANCE = 8192
    MAX_MATCH = 264
    MIN_MATCH = 3


cdef inline unsigned int slot(const unsigned char* p) noexcept nogil:
    cdef unsigned int three = (<unsigned int>p[0] << 16) | (<unsigned int>p[1] << 8) | p[2]
    return (three * <unsigned int>2654435761) >> (32 - HASH_BITS)


cdef inline size_t flush_literals(const unsigned char* from_, size_t count, unsigned char* out, size_t at, size_t room) noexcept nogil:
    """Writes count literals in runs; the new place, 0 when they do not fit."""
    cdef size_t run
    while count:
        run = count if count < MAX_LITERALS else MAX_LITERALS
        if at + run + 1 > room:
            return 0
        out[at] = <unsigned char>(run - 1)
        memcpy(out + at + 1, from_, run)
        at += run + 1
        from_ += run
        count -= run
    return at


cdef size_t lzf_compress(const void* src, size_t len, void* dst, size_t room) noexcept nogil:
    cdef const unsigned char* data = <const unsigned char*>src
    cdef unsigned char* out = <unsigned char*>dst
    cdef unsigned int[HASH_SLOTS] seen     # offset plus one of the last place with these three bytes
    cdef size_t i = 0
    cdef size_t literals = 0
    cdef size_t at = 0
    cdef size_t match
    cdef size_t distance
    cdef size_t length
    cdef unsigned int place
    if len < MIN_MATCH + 1 or len > <size_t>4294967294:
        return 0
    memset(seen, 0, HASH_SLOTS * sizeof(unsigned int))
    while i + MIN_MATCH <= len:
        place = slot(data + i)
        match = seen[place]
        seen[place] = <unsigned int>(i + 1)
        distance = i + 1 - match
        if match == 0 or distance > MAX_DISTANCE or data[match - 1] != data[i] or data[match] != data[i + 1] or data[match + 1] != data[i + 2]:
            literals += 1
            i += 1
            continue
        length = MIN_MATCH
        while length < MAX_MATCH and i + length < len and data[match - 1 + length] == data[i + length]:
            length += 1
        if literals:
            at = flush_literals(data + i - literals, literals, out, at, room)
            if at == 0:
                return 0
            literals = 0
        if at + 3 > room:
            return 0
        if length < 9:
            out[at] = <unsigned char>(((length - 2) << 5) | ((distance - 1) >> 8))
            at += 1
        else:
            out[at] = <unsigned char>((7 << 5) | ((distance - 1) >> 8))
            out[at + 1] = <unsigned char>(length - 9)
            at += 2
        out[at] = <unsigned char>((distance - 1) & 255)
        at += 1
        i += length
    literals += len - i
    if literals:
        at = flush_literals(data + len - literals, literals, out, at, room)
    return at


cdef size_t lzf_decompress(const void* src, size_t len, void* dst, size_t room) noexcept nogil:
    cdef const unsigned char* data = <const unsigned char*>src
    cdef unsigned char* out = <unsigned char*>dst
    cdef size_t i = 0
    cdef size_t at = 0
    cdef size_t length
    cdef size_t distance
    cdef unsigned char control
    while i < len:
        control = data[i]
        i += 1
        if control < 32:
            length = control + 1
            if length > len - i or length > room - at:
                return 0
            memcpy(out + at, data + i, length)
            i += length
            at += length
            continue
        length = control >> 5
        if length == 7:
            if i >= len:
                return 0
            length += data[i]
            i += 1
        if i >= len:
            return 0
        distance = ((<size_t>(control & 31) << 8) | data[i]) + 1
        i += 1
        length += 2
        if distance > at or length > room - at:
            return 0
        # byte by byte: source and target may overlap, that is how runs are told
        while length:
            out[at] = out[at - distance]
            at += 1
            length -= 1
    return at
