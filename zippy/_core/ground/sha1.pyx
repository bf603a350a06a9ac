# Written after the standard, for short texts: one block at a time, with no tables.

from libc.string cimport memcpy, memset

cdef enum:
    ROUNDS = 80
    LENGTH_AT = SHA1_BLOCK - 8   # where the last block has the length in bits


cdef inline uint32_t rotated(uint32_t word, int bits) noexcept nogil:
    return word << bits | word >> (32 - bits)


cdef inline uint32_t big_endian(const uint8_t* at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef inline uint32_t mixed(int round, uint32_t b, uint32_t c, uint32_t d) noexcept nogil:
    """The standard's function of three words and the constant of a round, added."""
    if round < 20:
        return ((b & c) | (~b & d)) + <uint32_t>0x5A827999
    if round < 40:
        return (b ^ c ^ d) + <uint32_t>0x6ED9EBA1
    if round < 60:
        return ((b & c) | (b & d) | (c & d)) + <uint32_t>0x8F1BBCDC
    return (b ^ c ^ d) + <uint32_t>0xCA62C1D6


cdef void take_block(Sha1* h, const uint8_t* block) noexcept nogil:
    cdef uint32_t[ROUNDS] words
    cdef uint32_t a = h.state[0]
    cdef uint32_t b = h.state[1]
    cdef uint32_t c = h.state[2]
    cdef uint32_t d = h.state[3]
    cdef uint32_t e = h.state[4]
    cdef uint32_t next
    cdef int i
    for i in range(16):
        words[i] = big_endian(block + 4 * i)
    for i in range(16, ROUNDS):
        words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1)
    for i in range(ROUNDS):
        next = rotated(a, 5) + mixed(i, b, c, d) + e + words[i]
        e = d
        d = c
        c = rotated(b, 30)
        b = a
        a = next
    h.state[0] += a
    h.state[1] += b
    h.state[2] += c
    h.state[3] += d
    h.state[4] += e


cdef void sha1_begin(Sha1* h) noexcept nogil:
    h.state[0] = <uint32_t>0x67452301
    h.state[1] = <uint32_t>0xEFCDAB89
    h.state[2] = <uint32_t>0x98BADCFE
    h.state[3] = <uint32_t>0x10325476
    h.state[4] = <uint32_t>0xC3D2E1F0
    h.length = 0


cdef void sha1_take(Sha1* h, const void* data, size_t len) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*>data
    cdef size_t held = h.length % SHA1_BLOCK
    cdef size_t part
    h.length += len
    if held:
        part = SHA1_BLOCK - held if len >= SHA1_BLOCK - held else len
        memcpy(h.block + held, at, part)
        if held + part < SHA1_BLOCK:
            return
        take_block(h, h.block)
        at += part
        len -= part
    while len >= SHA1_BLOCK:
        take_block(h, at)
        at += SHA1_BLOCK
        len -= SHA1_BLOCK
    if len:
        memcpy(h.block, at, len)


cdef void sha1_end(Sha1* h, uint8_t* sum) noexcept nogil:
    cdef size_t held = h.length % SHA1_BLOCK
    cdef uint64_t bits = h.length * 8
    cdef int i
    h.block[held] = 0x80
    held += 1
    if held > LENGTH_AT:
        memset(h.block + held, 0, SHA1_BLOCK - held)
        take_block(h, h.block)
        held = 0
    memset(h.block + held, 0, LENGTH_AT - held)
    for i in range(8):
        h.block[LENGTH_AT + i] = <uint8_t>(bits >> (56 - 8 * i))
    take_block(h, h.block)
    for i in range(SHA1_BYTES):
        sum[i] = <uint8_t>(h.state[i // 4] >> (24 - 8 * (i % 4)))
