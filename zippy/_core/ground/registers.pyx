# Four registers are three bytes. The vector units take a block of them at a time: spread three bytes over four, shift each register to the
# beginning of its byte, and mask what is beside it. They count by comparing all registers with a few values at a time: the values that
# registers have lie close together, so four passes or so over 16 KiB in the cache find all of them.
#
# Microseconds with (plain, AVX2, AVX-512) on a server of 2023, `python -m bench.micro.registers`:

from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <stdint.h>
    #include <stddef.h>
    #include <string.h>
    #define ZIPPY_REGISTERS 16384
    #define ZIPPY_AT_ONCE 6          /* values that are counted in one pass */
    #define ZIPPY_RUN 128            /* vectors in a row whose counts fit a byte */
    enum { ZIPPY_NEON_UNIT = 1, ZIPPY_AVX2_UNIT, ZIPPY_AVX512_UNIT };
    typedef struct {
        void (*merge)(uint8_t*, const uint8_t*);
        void (*pack)(const uint8_t*, uint8_t*);
        uint32_t (*count)(const uint8_t*, int, uint32_t*);      /* ZIPPY_AT_ONCE values from one on; how many registers have them */
    } zippy_unit;

    static void zippy_merge_plain(uint8_t* raw, const uint8_t* dense) {
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 4, raw += 4, dense += 3) {
            uint32_t four = dense[0] | (uint32_t)dense[1] << 8 | (uint32_t)dense[2] << 16;
            for (int k = 0; k < 4; k++) {
                uint8_t one = four >> 6 * k & 63;
                raw[k] = raw[k] > one ? raw[k] : one;
            }
        }
    }
    static void zippy_pack_plain(const uint8_t* raw, uint8_t* dense) {
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 4, raw += 4, dense += 3) {
            uint32_t four = raw[0] | (uint32_t)raw[1] << 6 | (uint32_t)raw[2] << 12 | (uint32_t)raw[3] << 18;
            dense[0] = (uint8_t)four;
            dense[1] = (uint8_t)(four >> 8);
            dense[2] = (uint8_t)(four >> 16);
        }
    }

    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>
    #define ZIPPY_AVX2 __attribute__((target("avx2")))
    #define ZIPPY_VBMI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi")))
    /* 24 bytes, in each half the twelve from its own byte on, to 32 registers */
    ZIPPY_AVX2 static inline __m256i zippy_spread(__m256i bytes, __m256i order) {
        __m256i pairs = _mm256_shuffle_epi8(bytes, order);      /* 16 bits for two registers: of every second two they begin at bit 4 */
        pairs = _mm256_blend_epi16(_mm256_and_si256(pairs, _mm256_set1_epi16(0x0fff)), _mm256_srli_epi16(pairs, 4), 0xaa);
        return _mm256_or_si256(
            _mm256_and_si256(pairs, _mm256_set1_epi16(0x003f)), _mm256_and_si256(_mm256_slli_epi16(pairs, 2), _mm256_set1_epi16(0x3f00)));
    }
    ZIPPY_AVX2 static void zippy_merge_avx2(uint8_t* raw, const uint8_t* dense) {
        /* the upper half is loaded from four bytes before its own: nothing is read beyond the last one */
        const __m256i order = _mm256_setr_epi8(
            0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14, 15);
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 32, raw += 32, dense += 24) {
            __m256i bytes = _mm256_inserti128_si256(
                _mm256_castsi128_si256(_mm_loadu_si128((const __m128i*)dense)), _mm_loadu_si128((const __m128i*)(dense + 8)), 1);
            __m256i more = zippy_spread(bytes, order);
            _mm256_storeu_si256((__m256i*)raw, _mm256_max_epu8(_mm256_loadu_si256((const __m256i*)raw), more));
        }
    }
    ZIPPY_AVX2 static void zippy_pack_avx2(const uint8_t* raw, uint8_t* dense) {
        const __m256i drop = _mm256_setr_epi8(
            0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
        const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 32, raw += 32, dense += 24) {
            __m256i pairs = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i*)raw), _mm256_set1_epi16(0x4001));
            __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x10000001));
            __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, drop), join);
            _mm_storeu_si128((__m128i*)dense, _mm256_castsi256_si128(bytes));
            _mm_storel_epi64((__m128i*)(dense + 16), _mm256_extracti128_si256(bytes, 1));
        }
    }
    ZIPPY_AVX2 static uint32_t zippy_count_avx2(const uint8_t* raw, int first, uint32_t* counts) {
        __m256i sums[ZIPPY_AT_ONCE];
        uint32_t all = 0;
        for (int k = 0; k < ZIPPY_AT_ONCE; k++) sums[k] = _mm256_setzero_si256();
        for (size_t run = 0; run < ZIPPY_REGISTERS / 32; run += ZIPPY_RUN, raw += ZIPPY_RUN * 32) {
            __m256i found[ZIPPY_AT_ONCE];
            for (int k = 0; k < ZIPPY_AT_ONCE; k++) found[k] = _mm256_setzero_si256();
            for (size_t i = 0; i < ZIPPY_RUN; i++) {
                __m256i some = _mm256_loadu_si256((const __m256i*)raw + i);
                #pragma GCC unroll 6
                for (int k = 0; k < ZIPPY_AT_ONCE; k++)
                    found[k] = _mm256_sub_epi8(found[k], _mm256_cmpeq_epi8(some, _mm256_set1_epi8((char)(first + k))));
            }
            for (int k = 0; k < ZIPPY_AT_ONCE; k++)
                sums[k] = _mm256_add_epi64(sums[k], _mm256_sad_epu8(found[k], _mm256_setzero_si256()));
        }
        for (int k = 0; k < ZIPPY_AT_ONCE; k++) {
            uint64_t parts[4];
            _mm256_storeu_si256((__m256i*)parts, sums[k]);
            counts[first + k] = (uint32_t)(parts[0] + parts[1] + parts[2] + parts[3]);
            all += counts[first + k];
        }
        return all;
    }
    /* the places of 48 bytes among 64: six of eight, and three of four */
    static uint8_t zippy_six_of_eight[64], zippy_three_of_four[64];
    /* 48 bytes to 64 registers: each eight of them are in six bytes, which one instruction shifts eight ways */
    ZIPPY_VBMI static void zippy_merge_vbmi(uint8_t* raw, const uint8_t* dense) {
        const __m512i order = _mm512_loadu_si512(zippy_six_of_eight), shifts = _mm512_set1_epi64(0x2a241e18120c0600);
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 64, raw += 64, dense += 48) {
            __m512i bytes = _mm512_permutexvar_epi8(order, _mm512_maskz_loadu_epi8(0xffffffffffff, dense));
            __m512i more = _mm512_and_si512(_mm512_multishift_epi64_epi8(shifts, bytes), _mm512_set1_epi8(63));
            _mm512_storeu_si512(raw, _mm512_max_epu8(_mm512_loadu_si512(raw), more));
        }
    }
    ZIPPY_VBMI static void zippy_pack_vbmi(const uint8_t* raw, uint8_t* dense) {
        const __m512i drop = _mm512_loadu_si512(zippy_three_of_four);
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 64, raw += 64, dense += 48) {
            __m512i pairs = _mm512_maddubs_epi16(_mm512_loadu_si512(raw), _mm512_set1_epi16(0x4001));
            __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x10000001));
            _mm512_mask_storeu_epi8(dense, 0xffffffffffff, _mm512_permutexvar_epi8(drop, fours));
        }
    }
    static int zippy_choose(int wanted, zippy_unit* unit) {
        __builtin_cpu_init();
        if (wanted == ZIPPY_AVX512_UNIT && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw")) {
            for (int i = 0; i < 64; i++) {
                zippy_six_of_eight[i] = (uint8_t)(i % 8 < 6 ? i / 8 * 6 + i % 8 : 0);
                zippy_three_of_four[i] = (uint8_t)(i < 48 ? i / 3 * 4 + i % 3 : 0);
            }
            *unit = (zippy_unit){zippy_merge_vbmi, zippy_pack_vbmi, zippy_count_avx2};
            return 1;
        }
        if (wanted == ZIPPY_AVX2_UNIT && __builtin_cpu_supports("avx2")) {
            *unit = (zippy_unit){zippy_merge_avx2, zippy_pack_avx2, zippy_count_avx2};
            return 1;
        }
        return 0;
    }

    #elif defined(__aarch64__) && defined(__GNUC__)
    #include <arm_neon.h>
    /* loads and stores that part and join every three or four bytes do most of the work */
    static void zippy_merge_neon(uint8_t* raw, const uint8_t* dense) {
        const uint8x16_t low = vdupq_n_u8(63);
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 64, raw += 64, dense += 48) {
            uint8x16x3_t bytes = vld3q_u8(dense);
            uint8x16x4_t all = vld4q_u8(raw);
            all.val[0] = vmaxq_u8(all.val[0], vandq_u8(bytes.val[0], low));
            all.val[1] = vmaxq_u8(all.val[1], vandq_u8(vorrq_u8(vshrq_n_u8(bytes.val[0], 6), vshlq_n_u8(bytes.val[1], 2)), low));
            all.val[2] = vmaxq_u8(all.val[2], vandq_u8(vorrq_u8(vshrq_n_u8(bytes.val[1], 4), vshlq_n_u8(bytes.val[2], 4)), low));
            all.val[3] = vmaxq_u8(all.val[3], vshrq_n_u8(bytes.val[2], 2));
            vst4q_u8(raw, all);
        }
    }
    static void zippy_pack_neon(const uint8_t* raw, uint8_t* dense) {
        for (size_t i = 0; i < ZIPPY_REGISTERS; i += 64, raw += 64, dense += 48) {
            uint8x16x4_t all = vld4q_u8(raw);
            uint8x16x3_t bytes;
            bytes.val[0] = vorrq_u8(all.val[0], vshlq_n_u8(all.val[1], 6));
            bytes.val[1] = vorrq_u8(vshrq_n_u8(all.val[1], 2), vshlq_n_u8(all.val[2], 4));
            bytes.val[2] = vorrq_u8(vshrq_n_u8(all.val[2], 4), vshlq_n_u8(all.val[3], 2));
            vst3q_u8(dense, bytes);
        }
    }
    static uint32_t zippy_count_neon(const uint8_t* raw, int first, uint32_t* counts) {
        uint32_t all = 0;
        for (int k = 0; k < ZIPPY_AT_ONCE; k++) counts[first + k] = 0;
        for (size_t run = 0; run < ZIPPY_REGISTERS / 16; run += ZIPPY_RUN, raw += ZIPPY_RUN * 16) {
            uint8x16_t found[ZIPPY_AT_ONCE];
            for (int k = 0; k < ZIPPY_AT_ONCE; k++) found[k] = vdupq_n_u8(0);
            for (size_t i = 0; i < ZIPPY_RUN; i++) {
                uint8x16_t some = vld1q_u8(raw + 16 * i);
                for (int k = 0; k < ZIPPY_AT_ONCE; k++)
                    found[k] = vsubq_u8(found[k], vceqq_u8(some, vdupq_n_u8((uint8_t)(first + k))));
            }
            for (int k = 0; k < ZIPPY_AT_ONCE; k++) counts[first + k] += vaddlvq_u8(found[k]);
        }
        for (int k = 0; k < ZIPPY_AT_ONCE; k++) all += counts[first + k];
        return all;
    }
    static int zippy_choose(int wanted, zippy_unit* unit) {
        if (wanted != ZIPPY_NEON_UNIT) return 0;
        *unit = (zippy_unit){zippy_merge_neon, zippy_pack_neon, zippy_count_neon};
        return 1;
    }

    #else
    static int zippy_choose(int wanted, zippy_unit* unit) { (void)wanted; (void)unit; return 0; }
    #endif
    """
    ctypedef struct Unit "zippy_unit":
        void (*merge)(uint8_t* raw, const uint8_t* dense) noexcept nogil
        void (*pack)(const uint8_t* raw, uint8_t* dense) noexcept nogil
        uint32_t (*count)(const uint8_t* raw, int first, uint32_t* counts) noexcept nogil
    void zippy_merge_plain(uint8_t* raw, const uint8_t* dense) noexcept nogil
    void zippy_pack_plain(const uint8_t* raw, uint8_t* dense) noexcept nogil
    bint zippy_choose(int wanted, Unit* unit) noexcept nogil

cdef enum:
    AT_ONCE = 6             # as above
    TABLES = 4              # of counts, so that a value that comes again need not wait until it has been counted

cdef Unit unit
cdef int unit_in_use = UNIT_PLAIN


cdef uint32_t count_plain(const uint8_t* raw, int first, uint32_t* counts) noexcept nogil:
    """Counts all values, whichever is asked for first."""
    cdef uint32_t[TABLES][REGISTER_VALUES] tables
    cdef int i
    cdef int k
    memset(tables, 0, sizeof(tables))
    for i in range(REGISTERS // TABLES):
        for k in range(TABLES):
            tables[k][raw[i * TABLES + k]] += 1
    for k in range(REGISTER_VALUES):
        counts[k] = tables[0][k] + tables[1][k] + tables[2][k] + tables[3][k]
    return REGISTERS


cdef int registers_unit() noexcept nogil:
    return unit_in_use


cdef int registers_best_unit() noexcept nogil:
    cdef Unit candidate
    cdef int best = UNIT_AVX512
    while best != UNIT_PLAIN and not zippy_choose(best, &candidate):
        best -= 1
    return best


cdef bint registers_use(int wanted) noexcept nogil:
    global unit_in_use
    if wanted == UNIT_PLAIN:
        unit.merge = zippy_merge_plain
        unit.pack = zippy_pack_plain
        unit.count = count_plain
    elif not zippy_choose(wanted, &unit):
        return False
    unit_in_use = wanted
    return True


registers_use(registers_best_unit())


cdef uint8_t registers_get(const uint8_t* dense, uint32_t index) noexcept nogil:
    cdef uint32_t bit = index * REGISTER_BITS
    cdef uint32_t shift = bit & 7
    cdef uint32_t pair = dense[bit >> 3]
    if shift > 8 - REGISTER_BITS:
        # else the last register would be read beyond the end
        pair |= <uint32_t>dense[(bit >> 3) + 1] << 8
    return <uint8_t>(pair >> shift & (REGISTER_VALUES - 1))


cdef void registers_set(uint8_t* dense, uint32_t index, uint8_t value) noexcept nogil:
    cdef uint32_t bit = index * REGISTER_BITS
    cdef uint32_t shift = bit & 7
    cdef uint8_t* at = dense + (bit >> 3)
    at[0] = <uint8_t>(at[0] & ~(REGISTER_VALUES - 1 << shift) | value << shift)
    if shift > 8 - REGISTER_BITS:
        at[1] = <uint8_t>(at[1] & ~(REGISTER_VALUES - 1 >> 8 - shift) | value >> 8 - shift)


cdef void registers_merge(uint8_t* raw, const uint8_t* dense) noexcept nogil:
    unit.merge(raw, dense)


cdef void registers_pack(const uint8_t* raw, uint8_t* dense) noexcept nogil:
    unit.pack(raw, dense)


cdef void registers_count(const uint8_t* raw, uint32_t* counts) noexcept nogil:
    cdef uint32_t[REGISTER_VALUES + AT_ONCE] found
    cdef uint32_t all = 0
    cdef int first = 0
    memset(found, 0, sizeof(found))
    while all < REGISTERS and first < REGISTER_VALUES:
        all += unit.count(raw, first, found)
        first += AT_ONCE
    memcpy(counts, found, REGISTER_VALUES * sizeof(uint32_t))
