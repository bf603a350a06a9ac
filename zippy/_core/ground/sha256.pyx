# Written after the standard, for short texts that are there as a whole: one block at a time, the rest and the length in a last one or two.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    ROUNDS = 64
    BLOCK = 64
    LENGTH_AT = BLOCK - 8        # where the last block has the length in bits

# The first 32 bits of the fractional parts of the cube roots of the first 64 primes
cdef uint32_t[ROUNDS] CONSTANTS = [
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
]


cdef inline uint32_t rotated(uint32_t word, int bits) noexcept nogil:
    return word >> bits | word << (32 - bits)


cdef inline uint32_t big_endian(const uint8_t* at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef void schedule(uint32_t* words, const uint8_t* block) noexcept nogil:
    """Makes the words of all rounds from a block."""
    cdef uint32_t x
    cdef uint32_t y
    cdef int i
    for i in range(16):
        words[i] = big_endian(block + 4 * i)
    for i in range(16, ROUNDS):
        x = words[i - 15]
        y = words[i - 2]
        words[i] = (
            words[i - 16] + (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) + words[i - 7] + (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10)
        )


cdef void take_block(uint32_t* state, const uint8_t* block) noexcept nogil:
    cdef uint32_t[ROUNDS] words
    cdef uint32_t[8] v
    cdef uint32_t first
    cdef uint32_t second
    cdef int i
    schedule(words, block)
    memcpy(v, state, sizeof(v))
    for i in range(ROUNDS):
        first = v[7] + (rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6]))
        first += CONSTANTS[i] + words[i]
        second = (rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))
        v[7] = v[6]
        v[6] = v[5]
        v[5] = v[4]
        v[4] = v[3] + first
        v[3] = v[2]
        v[2] = v[1]
        v[1] = v[0]
        v[0] = first + second
    for i in range(8):
        state[i] += v[i]


cdef void sha256(const void* data, size_t len, uint8_t* sum) noexcept nogil:
    cdef uint32_t[8] state = [
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19
    ]
    cdef const uint8_t* at = <const uint8_t*>data
    cdef uint8_t[BLOCK] last
    cdef uint64_t bits = <uint64_t>len * 8
    cdef int i
    while len >= BLOCK:
        take_block(state, at)
        at += BLOCK
        len -= BLOCK
    memset(last, 0, BLOCK)
    if len:
        memcpy(last, at, len)
    last[len] = 0x80
    if len >= LENGTH_AT:
        take_block(state, last)
        memset(last, 0, BLOCK)
    for i in range(8):
        last[LENGTH_AT + i] = <uint8_t>(bits >> (56 - 8 * i))
    take_block(state, last)
    for i in range(SHA256_BYTES):
        sum[i] = <uint8_t>(state[i // 4] >> (24 - 8 * (i % 4)))


cdef bint sha256_equal(const uint8_t* a, const uint8_t* b) noexcept nogil:
    cdef uint8_t differing = 0
    cdef int i
    for i in range(SHA256_BYTES):
        differing |= a[i] ^ b[i]
    return differing == 0
