# Written after the standard, one block at a time. The rounds are written out five by five, after which each of the five words is in its
# place again. Processors of x86-64 that have instructions for it do four rounds with one of them: 50 MB take 29 ms in the place of 95
# (SCRIPT LOAD of a long body in bench/attacks).

from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <stdint.h>
    #include <stddef.h>
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <cpuid.h>
    #include <immintrin.h>
    static int zippy_has_sha(void) {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
            return 0;
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1;
    }
    /* Rounds 4 * i to 4 * i + 3. After the first sixteen each four words replace those that lie sixteen before them. */
    #define ZIPPY_FOUR_ROUNDS(i)                                                                                                          \\
        if (i >= 4)                                                                                                                       \\
            words[i & 3] = _mm_sha1msg2_epu32(                                                                                            \\
                _mm_xor_si128(_mm_sha1msg1_epu32(words[i & 3], words[(i + 1) & 3]), words[(i + 2) & 3]), words[(i + 3) & 3]);             \\
        mixed = i ? _mm_sha1nexte_epu32(before, words[i & 3]) : _mm_add_epi32(last, words[0]);                                            \\
        before = four;                                                                                                                    \\
        four = _mm_sha1rnds4_epu32(four, mixed, i / 5);
    __attribute__((target("sha,sse4.1,ssse3"))) static void zippy_sha1_blocks(uint32_t* state, const uint8_t* block, size_t count) {
        const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        __m128i four = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i*)state), 0x1b);       /* a is in the highest word */
        __m128i last = _mm_set_epi32((int)state[4], 0, 0, 0);
        for (; count; count--, block += 64) {
            const __m128i four_then = four, last_then = last;
            __m128i words[4], before = four, mixed;
            for (int k = 0; k < 4; k++)
                words[k] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(block + 16 * k)), order);
            ZIPPY_FOUR_ROUNDS(0) ZIPPY_FOUR_ROUNDS(1) ZIPPY_FOUR_ROUNDS(2) ZIPPY_FOUR_ROUNDS(3) ZIPPY_FOUR_ROUNDS(4)
            ZIPPY_FOUR_ROUNDS(5) ZIPPY_FOUR_ROUNDS(6) ZIPPY_FOUR_ROUNDS(7) ZIPPY_FOUR_ROUNDS(8) ZIPPY_FOUR_ROUNDS(9)
            ZIPPY_FOUR_ROUNDS(10) ZIPPY_FOUR_ROUNDS(11) ZIPPY_FOUR_ROUNDS(12) ZIPPY_FOUR_ROUNDS(13) ZIPPY_FOUR_ROUNDS(14)
            ZIPPY_FOUR_ROUNDS(15) ZIPPY_FOUR_ROUNDS(16) ZIPPY_FOUR_ROUNDS(17) ZIPPY_FOUR_ROUNDS(18) ZIPPY_FOUR_ROUNDS(19)
            last = _mm_sha1nexte_epu32(before, last_then);
            four = _mm_add_epi32(four, four_then);
        }
        _mm_storeu_si128((__m128i*)state, _mm_shuffle_epi32(four, 0x1b));
        state[4] = (uint32_t)_mm_extract_epi32(last, 3);
    }
    #else
    static int zippy_has_sha(void) { return 0; }
    static void zippy_sha1_blocks(uint32_t* state, const uint8_t* block, size_t count) { (void)state; (void)block; (void)count; }
    #endif
    """
    bint zippy_has_sha() noexcept nogil
    void zippy_sha1_blocks(uint32_t* state, const uint8_t* block, size_t count) noexcept nogil

cdef bint instructed = zippy_has_sha()

cdef enum:
    ROUNDS = 80
    LENGTH_AT = SHA1_BLOCK - 8   # where the last block has the length in bits


cdef inline uint32_t rotated(uint32_t word, int bits) noexcept nogil:
    return word << bits | word >> (32 - bits)


cdef inline uint32_t big_endian(const uint8_t* at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef inline uint32_t choice(uint32_t b, uint32_t c, uint32_t d) noexcept nogil:
    return d ^ (b & (c ^ d))


cdef inline uint32_t parity(uint32_t b, uint32_t c, uint32_t d) noexcept nogil:
    return b ^ c ^ d


cdef inline uint32_t majority(uint32_t b, uint32_t c, uint32_t d) noexcept nogil:
    return (b & c) | (d & (b | c))


cdef inline void turn(uint32_t a, uint32_t* b, uint32_t* e, uint32_t mixed) noexcept nogil:
    """One round; e becomes what the standard calls a."""
    e[0] += rotated(a, 5) + mixed
    b[0] = rotated(b[0], 30)


cdef inline void schedule(uint32_t* words, const uint8_t* block) noexcept nogil:
    """Makes the words of all rounds from a block, with the constants of the rounds added in the end."""
    cdef uint32_t[3] last
    cdef uint32_t word
    cdef int i
    for i in range(16):
        words[i] = big_endian(block + 4 * i)
    memcpy(last, words + 13, sizeof(last))
    for i in range(16, ROUNDS):
        # the last three are kept beside, or the compiler takes two words at once and waits each time for one that was just written
        word = rotated(last[0] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1)
        words[i] = word
        last[0] = last[1]
        last[1] = last[2]
        last[2] = word
    for i in range(20):
        words[i] += <uint32_t>0x5A827999
        words[i + 20] += <uint32_t>0x6ED9EBA1
        words[i + 40] += <uint32_t>0x8F1BBCDC
        words[i + 60] += <uint32_t>0xCA62C1D6


cdef bint sha1_use_instructions(bint wanted) noexcept nogil:
    global instructed
    instructed = wanted and zippy_has_sha()
    return instructed


cdef void take_blocks(Sha1* h, const uint8_t* block, size_t count) noexcept nogil:
    if instructed:
        zippy_sha1_blocks(h.state, block, count)
        return
    while count:
        take_block(h, block)
        block += SHA1_BLOCK
        count -= 1


cdef void take_block(Sha1* h, const uint8_t* block) noexcept nogil:
    cdef uint32_t[ROUNDS] words
    cdef uint32_t a = h.state[0]
    cdef uint32_t b = h.state[1]
    cdef uint32_t c = h.state[2]
    cdef uint32_t d = h.state[3]
    cdef uint32_t e = h.state[4]
    cdef int i
    schedule(words, block)
    for i in range(0, 20, 5):
        turn(a, &b, &e, choice(b, c, d) + words[i])
        turn(e, &a, &d, choice(a, b, c) + words[i + 1])
        turn(d, &e, &c, choice(e, a, b) + words[i + 2])
        turn(c, &d, &b, choice(d, e, a) + words[i + 3])
        turn(b, &c, &a, choice(c, d, e) + words[i + 4])
    for i in range(20, 40, 5):
        turn(a, &b, &e, parity(b, c, d) + words[i])
        turn(e, &a, &d, parity(a, b, c) + words[i + 1])
        turn(d, &e, &c, parity(e, a, b) + words[i + 2])
        turn(c, &d, &b, parity(d, e, a) + words[i + 3])
        turn(b, &c, &a, parity(c, d, e) + words[i + 4])
    for i in range(40, 60, 5):
        turn(a, &b, &e, majority(b, c, d) + words[i])
        turn(e, &a, &d, majority(a, b, c) + words[i + 1])
        turn(d, &e, &c, majority(e, a, b) + words[i + 2])
        turn(c, &d, &b, majority(d, e, a) + words[i + 3])
        turn(b, &c, &a, majority(c, d, e) + words[i + 4])
    for i in range(60, 80, 5):
        turn(a, &b, &e, parity(b, c, d) + words[i])
        turn(e, &a, &d, parity(a, b, c) + words[i + 1])
        turn(d, &e, &c, parity(e, a, b) + words[i + 2])
        turn(c, &d, &b, parity(d, e, a) + words[i + 3])
        turn(b, &c, &a, parity(c, d, e) + words[i + 4])
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
        take_blocks(h, h.block, 1)
        at += part
        len -= part
    take_blocks(h, at, len // SHA1_BLOCK)
    if len % SHA1_BLOCK:
        memcpy(h.block, at + len // SHA1_BLOCK * SHA1_BLOCK, len % SHA1_BLOCK)


cdef void sha1_end(Sha1* h, uint8_t* sum) noexcept nogil:
    cdef size_t held = h.length % SHA1_BLOCK
    cdef uint64_t bits = h.length * 8
    cdef int i
    h.block[held] = 0x80
    held += 1
    if held > LENGTH_AT:
        memset(h.block + held, 0, SHA1_BLOCK - held)
        take_blocks(h, h.block, 1)
        held = 0
    memset(h.block + held, 0, LENGTH_AT - held)
    for i in range(8):
        h.block[LENGTH_AT + i] = <uint8_t>(bits >> (56 - 8 * i))
    take_blocks(h, h.block, 1)
    for i in range(SHA1_BYTES):
        sum[i] = <uint8_t>(h.state[i // 4] >> (24 - 8 * (i % 4)))
