# Words are read where they lie (loose_word: any alignment), so that inline values of entries need no copy. Strings are combined
# by the compiler's vectors: its vectoriser leaves such loops as they are, as long as it is not asked for more than -O2. Counting uses the
# processor's own instruction where there is one.

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #include <stddef.h>
    typedef uint64_t __attribute__((aligned(1), may_alias)) loose_word;
    typedef unsigned __int128 wide_word;
    /* four registers of most processors at once */
    typedef uint64_t wide_block __attribute__((vector_size(64), aligned(1), may_alias));

    static uint64_t popcount_plain(const void *data, size_t words) {
        const loose_word *at = (const loose_word *)data;
        uint64_t sum = 0;
        for (size_t i = 0; i < words; i++) {
            uint64_t w = at[i];
            w -= (w >> 1) & UINT64_C(0x5555555555555555);
            w = (w & UINT64_C(0x3333333333333333)) + ((w >> 2) & UINT64_C(0x3333333333333333));
            w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
            sum += (w * UINT64_C(0x0101010101010101)) >> 56;
        }
        return sum;
    }

    /* A long string is in no cache, and one stream of reads leaves most of the memory's width unused: eight are read side by side, and
       what is behind is asked for meanwhile. Each has a page, or a longer part where that fits. Before memory is what limits it, the widest
       instruction counts */
    #define PAGE_WORDS 512
    #define PART_WORDS (64 * PAGE_WORDS)
    #define STREAMS 8
    #define IN_STREAMS(part, ahead, count)                                                   \\
        for (; i + STREAMS * (part) <= words; i += STREAMS * (part)) {                       \\
            for (size_t word = 0; word < (part); word += 8) {                                \\
                for (int stream = 0; stream < STREAMS; stream++) {                           \\
                    const loose_word *from = at + i + stream * (part) + word;                \\
                    __builtin_prefetch((const char *)(from + (ahead)));                      \\
                    count;                                                                   \\
                }                                                                            \\
            }                                                                                \\
        }
    #define IN_PAGES(count) IN_STREAMS(PAGE_WORDS, STREAMS * PAGE_WORDS, count)
    #define IN_PARTS(count) IN_STREAMS(PART_WORDS, 128, count) IN_PAGES(count)

    #if defined(__x86_64__)
    #include <immintrin.h>

    __attribute__((target("popcnt")))
    static uint64_t popcount_instruction(const void *data, size_t words) {
        const loose_word *at = (const loose_word *)data;
        uint64_t sums[4] = {0};
        size_t i = 0;
        IN_PARTS(for (int k = 0; k < 8; k++) sums[k & 3] += (uint64_t)__builtin_popcountll(from[k]))
        for (; i < words; i++) sums[i & 3] += (uint64_t)__builtin_popcountll(at[i]);
        return sums[0] + sums[1] + sums[2] + sums[3];
    }

    __attribute__((target("popcnt,avx512f,avx512vpopcntdq")))
    static uint64_t popcount_wide(const void *data, size_t words) {
        const loose_word *at = (const loose_word *)data;
        __m512i sum = _mm512_setzero_si512();
        size_t i = 0;
        IN_PARTS(sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_loadu_si512((const void *)from))))
        return (uint64_t)_mm512_reduce_add_epi64(sum) + popcount_instruction(at + i, words - i);
    }

    static uint64_t popcount_words(const void *data, size_t words) {
        if (words >= STREAMS * PAGE_WORDS && __builtin_cpu_supports("avx512vpopcntdq"))
            return popcount_wide(data, words);
        return __builtin_cpu_supports("popcnt") ? popcount_instruction(data, words) : popcount_plain(data, words);
    }
    #else
    static uint64_t popcount_words(const void *data, size_t words) { return popcount_plain(data, words); }
    #endif

    /* whether a word of eight pages is another one than `barren` */
    static int has_other_word(const void *data, uint64_t barren) {
        const loose_word *at = (const loose_word *)data;
        size_t i = 0, words = STREAMS * PAGE_WORDS;
        wide_block others = {0};
        IN_PAGES(others |= *(const wide_block *)from ^ barren)
        return (others[0] | others[1] | others[2] | others[3] | others[4] | others[5] | others[6] | others[7]) != 0;
    }

    #define COMBINE(name, t, s, made)                                                        \\
        static void combine_##name(void *target, const void *source, size_t len) {           \\
            size_t at = 0;                                                                   \\
            for (; at + sizeof(wide_block) <= len; at += sizeof(wide_block)) {               \\
                wide_block t = *(wide_block *)((char *)target + at);                         \\
                wide_block s = *(const wide_block *)((const char *)source + at);             \\
                *(wide_block *)((char *)target + at) = (made);                               \\
            }                                                                                \\
            for (; at < len; at++) {                                                         \\
                uint8_t t = ((uint8_t *)target)[at], s = ((const uint8_t *)source)[at];      \\
                ((uint8_t *)target)[at] = (uint8_t)(made);                                   \\
            }                                                                                \\
        }
    COMBINE(and, t, s, t & s)
    COMBINE(or, t, s, t | s)
    COMBINE(xor, t, s, t ^ s)
    COMBINE(and_not, t, s, t & ~s)
    COMBINE(not_and, t, s, ~t & s)
    COMBINE(not, t, s, ((void)s, ~t))

    static void note_repeated(void *repeated, void *seen, const void *source, size_t len) {
        size_t at = 0;
        for (; at + sizeof(wide_block) <= len; at += sizeof(wide_block)) {
            wide_block s = *(const wide_block *)((const char *)source + at);
            wide_block before = *(wide_block *)((char *)seen + at);
            *(wide_block *)((char *)repeated + at) |= before & s;
            *(wide_block *)((char *)seen + at) = before | s;
        }
        for (; at < len; at++) {
            uint8_t s = ((const uint8_t *)source)[at], before = ((uint8_t *)seen)[at];
            ((uint8_t *)repeated)[at] |= before & s;
            ((uint8_t *)seen)[at] = before | s;
        }
    }
    """
    void combine_and(void* target, const void* source, size_t len) noexcept nogil
    void combine_or(void* target, const void* source, size_t len) noexcept nogil
    void combine_xor(void* target, const void* source, size_t len) noexcept nogil
    void combine_and_not(void* target, const void* source, size_t len) noexcept nogil
    void combine_not_and(void* target, const void* source, size_t len) noexcept nogil
    void combine_not(void* target, const void* source, size_t len) noexcept nogil
    void note_repeated(void* repeated, void* seen, const void* source, size_t len) noexcept nogil
    ctypedef unsigned long long loose_word
    ctypedef unsigned long long wide_word
    uint64_t popcount_words(const void* data, size_t words) noexcept nogil
    bint has_other_word(const void* data, uint64_t barren) noexcept nogil
    int __builtin_clz(unsigned int x) noexcept nogil

cdef enum:
    WORD = 8                    # bytes
    PAGES = 8 * 4096
    FIELD_BYTES = 9             # that an integer of 64 bits touches at most
    FIELD_BITS = 72


cdef uint64_t bits_count(const void* data, size_t len) noexcept nogil:
    cdef uint64_t tail = 0
    cdef size_t words = len // WORD
    cdef uint64_t sum = popcount_words(data, words)
    if len % WORD:
        memcpy(&tail, <const char*>data + words * WORD, len % WORD)
        sum += popcount_words(&tail, 1)
    return sum


cdef uint64_t bits_count_range(const void* data, int64_t first, int64_t last) noexcept nogil:
    cdef const uint8_t* bytes = <const uint8_t*>data
    cdef uint64_t before = bytes[first >> 3] & ~(0xFF >> (first & 7))
    cdef uint64_t after = bytes[last >> 3] & (0x7F >> (last & 7))
    cdef uint64_t whole = bits_count(bytes + (first >> 3), <size_t>((last >> 3) - (first >> 3) + 1))
    return whole - popcount_words(&before, 1) - popcount_words(&after, 1)


cdef int64_t bits_find(const void* data, int64_t first, int64_t last, bint bit) noexcept nogil:
    cdef const uint8_t* bytes = <const uint8_t*>data
    cdef int64_t at = first >> 3
    cdef int64_t end = last >> 3
    cdef uint8_t flip = 0 if bit else 0xFF
    cdef uint64_t barren = 0 if bit else ~<uint64_t>0
    cdef unsigned int wanted = (bytes[at] ^ flip) & (0xFF >> (first & 7))
    while True:
        if at == end:
            wanted &= 0xFF << (7 - (last & 7))
        if wanted:
            return at * 8 + __builtin_clz(wanted) - 24
        if at == end:
            return -1
        at += 1
        while end - at >= PAGES and not has_other_word(bytes + at, barren):
            at += PAGES
        while end - at >= WORD and (<const loose_word*>(bytes + at))[0] == barren:
            at += WORD
        wanted = <uint8_t>(bytes[at] ^ flip)


cdef void bits_and(void* target, const void* source, size_t len) noexcept nogil:
    combine_and(target, source, len)


cdef void bits_or(void* target, const void* source, size_t len) noexcept nogil:
    combine_or(target, source, len)


cdef void bits_xor(void* target, const void* source, size_t len) noexcept nogil:
    combine_xor(target, source, len)


cdef void bits_and_not(void* target, const void* source, size_t len) noexcept nogil:
    combine_and_not(target, source, len)


cdef void bits_not_and(void* target, const void* source, size_t len) noexcept nogil:
    combine_not_and(target, source, len)


cdef void bits_not(void* target, size_t len) noexcept nogil:
    combine_not(target, target, len)


cdef void bits_note_repeated(void* repeated, void* seen, const void* source, size_t len) noexcept nogil:
    note_repeated(repeated, seen, source, len)


cdef uint64_t bits_read(const void* data, size_t len, int64_t offset, int bits) noexcept nogil:
    cdef const uint8_t* bytes = <const uint8_t*>data
    cdef wide_word window = 0
    cdef uint64_t at = <uint64_t>offset >> 3
    cdef uint64_t end = at + FIELD_BYTES
    while at < end:
        window = (window << 8) | (bytes[at] if at < len else 0)
        at += 1
    window >>= FIELD_BITS - (offset & 7) - bits
    return <uint64_t>window & (~<uint64_t>0 >> (64 - bits))


cdef void bits_write(void* data, int64_t offset, int bits, uint64_t value) noexcept nogil:
    cdef uint8_t* bytes = <uint8_t*>data + (offset >> 3)
    cdef int touched = <int>((offset & 7) + bits + 7) >> 3
    cdef int shift = touched * 8 - <int>(offset & 7) - bits
    cdef wide_word mask = <wide_word>(~<uint64_t>0 >> (64 - bits)) << shift
    cdef wide_word window = (<wide_word>value << shift) & mask
    cdef int i
    for i in range(touched):
        bytes[i] = <uint8_t>((bytes[i] & ~(mask >> (8 * (touched - 1 - i)))) | (window >> (8 * (touched - 1 - i))))
