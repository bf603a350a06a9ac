# Both are computed from tables that are made at import. CRC-64 takes eight bytes a step, and CRC-16 four: table k tells what a byte does
# that k more follow.
#
# Long inputs are folded where the processor multiplies without carries (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
# PCLMULQDQ", 2009): 16 bytes that n bits follow are, to the checksum, the sum of their halves' products with x^(n + 64) and x^n. The bits
# of a product in reverse are one place off, so the factors have one power less. What is left of 16 bytes goes through the tables. 32 MiB
# take 2 ms in the place of 22.

from libc.stdint cimport SIZE_MAX
from libc.string cimport memchr, memcpy

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>
    #include <stdint.h>
    __attribute__((target("pclmul")))
    static inline __m128i zippy_fold(__m128i sum, __m128i factors, __m128i next) {
        return _mm_xor_si128(next, _mm_xor_si128(_mm_clmulepi64_si128(sum, factors, 0x00), _mm_clmulepi64_si128(sum, factors, 0x11)));
    }
    /* 64 bytes a step, then 16; size is a multiple of 16, and at least 64. factors: over 512 bits and over 128, low half first */
    __attribute__((target("pclmul")))
    static void zippy_fold_all(uint64_t crc, const void* data, size_t size, const uint64_t* factors, void* left) {
        const __m128i* at = (const __m128i*)data;
        const __m128i* end = at + size / 16;
        const __m128i far = _mm_loadu_si128((const __m128i*)factors), near = _mm_loadu_si128((const __m128i*)(factors + 2));
        __m128i a = _mm_xor_si128(_mm_loadu_si128(at), _mm_cvtsi64_si128((long long)crc));
        __m128i b = _mm_loadu_si128(at + 1), c = _mm_loadu_si128(at + 2), d = _mm_loadu_si128(at + 3);
        for (at += 4; at + 4 <= end; at += 4) {
            a = zippy_fold(a, far, _mm_loadu_si128(at));
            b = zippy_fold(b, far, _mm_loadu_si128(at + 1));
            c = zippy_fold(c, far, _mm_loadu_si128(at + 2));
            d = zippy_fold(d, far, _mm_loadu_si128(at + 3));
        }
        d = zippy_fold(zippy_fold(zippy_fold(a, near, b), near, c), near, d);
        for (; at < end; at++) d = zippy_fold(d, near, _mm_loadu_si128(at));
        _mm_storeu_si128((__m128i*)left, d);
    }
    static int zippy_folds(void) { __builtin_cpu_init(); return __builtin_cpu_supports("pclmul") != 0; }
    #else
    static void zippy_fold_all(uint64_t crc, const void* data, size_t size, const uint64_t* factors, void* left) {
        (void)crc; (void)data; (void)size; (void)factors; (void)left;
    }
    static int zippy_folds(void) { return 0; }
    #endif
    """
    void zippy_fold_all(uint64_t crc, const void* data, size_t size, const uint64_t* factors, void* left) noexcept nogil
    bint zippy_folds() noexcept nogil

cdef enum:
    SLICES = 8              # bytes a step of CRC-64
    SLICES16 = 4            # of CRC-16: keys are short, and the tables take some of the cache
    FOLDED = 256            # bytes that are worth folding
    BLOCK = 16              # bytes that folding leaves
    CRC16_POLYNOMIAL = 0x1021

# x^64 + the Jones polynomial 0xad93d23594c935a9, bits in reverse
cdef uint64_t CRC64_POLYNOMIAL = <uint64_t>0x95AC9329AC4BC9B5

cdef uint64_t[SLICES][256] table64
cdef uint16_t[SLICES16][256] table16
cdef uint64_t[4] fold_factors
cdef bint folds


cdef uint64_t shift64(uint64_t crc) noexcept nogil:
    cdef int _
    for _ in range(8):
        crc = (crc >> 1) ^ (CRC64_POLYNOMIAL if crc & 1 else 0)
    return crc


cdef uint16_t shift16(uint16_t crc) noexcept nogil:
    cdef int _
    for _ in range(8):
        crc = <uint16_t>((crc << 1) ^ (CRC16_POLYNOMIAL if crc & 0x8000 else 0))
    return crc


cdef void make_tables() noexcept nogil:
    cdef int byte
    cdef int k
    for byte in range(256):
        table64[0][byte] = shift64(<uint64_t>byte)
        table16[0][byte] = shift16(<uint16_t>(byte << 8))
    for byte in range(256):
        for k in range(1, SLICES):
            table64[k][byte] = (table64[k - 1][byte] >> 8) ^ table64[0][table64[k - 1][byte] & 0xFF]
        for k in range(1, SLICES16):
            table16[k][byte] = <uint16_t>((table16[k - 1][byte] << 8) ^ table16[0][table16[k - 1][byte] >> 8])


cdef uint64_t power(int exponent) noexcept nogil:
    """x to the power, modulo the polynomial, bits in reverse."""
    cdef uint64_t value = <uint64_t>1 << 63
    cdef int _
    for _ in range(exponent):
        value = (value >> 1) ^ (CRC64_POLYNOMIAL if value & 1 else 0)
    return value


cdef void make_factors() noexcept nogil:
    fold_factors[0] = power(512 + 64 - 1)
    fold_factors[1] = power(512 - 1)
    fold_factors[2] = power(128 + 64 - 1)
    fold_factors[3] = power(128 - 1)


make_tables()
make_factors()
folds = zippy_folds()


cdef uint64_t crc64(uint64_t crc, const void* ptr, size_t len) noexcept nogil:
    cdef size_t whole = len // BLOCK * BLOCK
    cdef unsigned char[BLOCK] left
    if not folds or len < FOLDED:
        return crc64_by_tables(crc, <const unsigned char*>ptr, len)
    zippy_fold_all(crc, ptr, whole, fold_factors, left)
    return crc64_by_tables(crc64_by_tables(0, left, BLOCK), <const unsigned char*>ptr + whole, len - whole)


cdef uint64_t crc64_by_tables(uint64_t crc, const unsigned char* p, size_t len) noexcept nogil:
    cdef uint64_t word
    while len >= SLICES:
        memcpy(&word, p, SLICES)
        word ^= crc
        crc = (
            table64[7][word & 0xFF] ^ table64[6][(word >> 8) & 0xFF] ^ table64[5][(word >> 16) & 0xFF] ^ table64[4][(word >> 24) & 0xFF]
            ^ table64[3][(word >> 32) & 0xFF] ^ table64[2][(word >> 40) & 0xFF] ^ table64[1][(word >> 48) & 0xFF] ^ table64[0][word >> 56]
        )
        p += SLICES
        len -= SLICES
    while len:
        crc = (crc >> 8) ^ table64[0][(crc ^ p[0]) & 0xFF]
        p += 1
        len -= 1
    return crc


cdef uint16_t crc16(const void* ptr, size_t len) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>ptr
    cdef uint16_t crc = 0
    while len >= SLICES16:
        crc = table16[3][(crc >> 8) ^ p[0]] ^ table16[2][(crc & 0xFF) ^ p[1]] ^ table16[1][p[2]] ^ table16[0][p[3]]
        p += SLICES16
        len -= SLICES16
    while len:
        crc = <uint16_t>((crc << 8) ^ table16[0][(crc >> 8) ^ p[0]])
        p += 1
        len -= 1
    return crc


cdef int key_slot(Slice key) noexcept nogil:
    cdef const char* tag = <const char*>memchr(key.ptr, c"{", key.len) if key.len else NULL
    cdef const char* end
    if tag != NULL:
        tag += 1
        end = <const char*>memchr(tag, c"}", key.ptr + key.len - tag)
        if end != NULL and end != tag:
            return crc16(tag, end - tag) & (SLOTS - 1)
    return crc16(key.ptr, key.len) & (SLOTS - 1)


cdef int pattern_slot(Slice pattern) noexcept nogil:
    cdef size_t i
    cdef size_t tag = 0
    cdef char at
    for i in range(pattern.len):
        at = pattern.ptr[i]
        if at == c"*" or at == c"?" or at == c"[" or at == c"\\":
            return -1
        if at == c"{" and tag == 0:
            tag = i + 1
        elif at == c"}" and tag and i > tag:
            return crc16(pattern.ptr + tag, i - tag) & (SLOTS - 1)
        elif at == c"}" and tag:
            # an empty tag: all of a key counts
            tag = SIZE_MAX
    return key_slot(pattern)
