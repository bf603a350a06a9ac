# The hash is MurmurHash64A (Austin Appleby), the estimator that of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
# sketches", 2017 (arXiv 1702.01284), section 4. Which opcodes a register is written with is no matter of taste: the strings are Redis's
# byte for byte, since users copy, compare and replicate them.
#
# Changes are made aside, in a draft, so that want of memory leaves a value as it was.

from libc.math cimport INFINITY, isfinite, llround, sqrt
from libc.stdint cimport INT64_MIN
from libc.string cimport memcmp, memcpy, memmove, memset
from zippy._core.ground.buf cimport Buf, buf_append_byte, buf_append_i64, buf_append_text
from zippy._core.ground.registers cimport (
    REGISTER_VALUES, UNIT_PLAIN, registers_best_unit, registers_count, registers_get, registers_merge, registers_pack, registers_set,
    registers_unit, registers_use
)
from zippy._core.ground.slice cimport slice_of

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* little endian on every processor */
    static inline uint64_t zippy_word(const void* at) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }
    static inline void zippy_put_word(void* at, uint64_t word) {
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        memcpy(at, &word, sizeof(word));
    }

    /* 64 bytes of opcodes, the first of which is the second byte of a long one if `second` is 1 */
    typedef struct {
        uint64_t heads;         /* bit i: byte i begins an opcode */
        uint64_t values;        /* bit i: and that tells a value */
        uint32_t registers;     /* that are told of; of a long opcode at the end, as if its second byte were 0 */
        uint32_t second;        /* 1: there is such a one */
    } zippy_block;

    #if defined(__SSE2__)
    #include <emmintrin.h>
    /* Where the bits of `longs` are in a row, from the first on every other one is a head, and the bits between and the one behind are second
       bytes: as for backslashes in Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1.1 */
    static inline uint64_t zippy_seconds(uint64_t longs, uint32_t* second) {
        const uint64_t even = 0x5555555555555555;
        uint64_t behind, odd_starts, sums;
        longs &= ~(uint64_t)*second;
        behind = longs << 1 | *second;
        odd_starts = longs & ~even & ~behind;
        *second = __builtin_add_overflow(odd_starts, longs, &sums);
        return (even ^ sums << 1) & behind;
    }
    static inline zippy_block zippy_read_block(const uint8_t* at, uint32_t second) {
        const __m128i bit_of_byte = _mm_set1_epi64x((long long)0x8040201008040201), low = _mm_set1_epi8(63), one = _mm_set1_epi8(1);
        uint64_t values = 0, sixth = 0, seconds;
        __m128i units = _mm_setzero_si128(), blocks = units;
        zippy_block block;
        for (int i = 0; i < 4; i++) {
            __m128i some = _mm_loadu_si128((const __m128i*)at + i);
            values |= (uint64_t)(uint32_t)_mm_movemask_epi8(some) << 16 * i;
            sixth |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_slli_epi16(some, 1)) << 16 * i;
        }
        block.second = second;
        seconds = zippy_seconds(sixth & ~values, &block.second);
        block.heads = ~seconds;
        block.values = values & ~seconds;
        for (int i = 0; i < 4; i++) {
            const uint64_t bytes = 0x0101010101010101;
            __m128i some = _mm_loadu_si128((const __m128i*)at + i);
            __m128i is_value = _mm_cmplt_epi8(some, _mm_setzero_si128());
            __m128i is_long = _mm_cmpgt_epi8(some, low);            /* as signed numbers values are below it, too */
            const uint64_t first = (seconds >> 16 * i & 255) * bytes, then = (seconds >> (16 * i + 8) & 255) * bytes;
            __m128i is_second = _mm_set_epi64x((long long)then, (long long)first);
            __m128i run = _mm_and_si128(some, _mm_or_si128(_mm_andnot_si128(is_value, low), _mm_set1_epi8(3)));
            is_second = _mm_cmpeq_epi8(_mm_and_si128(is_second, bit_of_byte), bit_of_byte);
            run = _mm_add_epi8(_mm_andnot_si128(is_long, run), one);
            run = _mm_or_si128(_mm_and_si128(is_second, some), _mm_andnot_si128(is_second, run));
            units = _mm_add_epi64(units, _mm_sad_epu8(run, _mm_setzero_si128()));
            run = _mm_andnot_si128(is_second, _mm_and_si128(_mm_and_si128(is_long, some), low));
            blocks = _mm_add_epi64(blocks, _mm_sad_epu8(run, _mm_setzero_si128()));
        }
        units = _mm_add_epi64(units, _mm_slli_epi64(blocks, 8));
        block.registers = (uint32_t)(_mm_cvtsi128_si32(units) + _mm_cvtsi128_si32(_mm_unpackhi_epi64(units, units)));
        return block;
    }
    #else
    static inline zippy_block zippy_read_block(const uint8_t* at, uint32_t second) {
        zippy_block block = {0, 0, 0, second};
        for (int i = 0; i < 64; i++) {
            if (block.second) {
                block.registers += at[i];
                block.second = 0;
                continue;
            }
            block.heads |= (uint64_t)1 << i;
            block.values |= (uint64_t)(at[i] >> 7) << i;
            block.second = at[i] >> 6 == 1;
            block.registers += 1 + (at[i] >> 7 ? at[i] & 3u : block.second ? (at[i] & 63u) << 8 : at[i]);
        }
        return block;
    }
    #endif
    """
    ctypedef struct Block "zippy_block":
        uint64_t heads
        uint64_t values
        uint32_t registers
        uint32_t second
    Block read_block "zippy_read_block"(const uint8_t* at, uint32_t second) noexcept nogil
    uint64_t read_word "zippy_word"(const void* at) noexcept nogil
    void write_word "zippy_put_word"(void* at, uint64_t word) noexcept nogil
    int lowest_bit "__builtin_ctzll"(uint64_t n) noexcept nogil
    int leading_zeros "__builtin_clzll"(uint64_t n) noexcept nogil

cdef enum:
    ENCODING_AT = 4
    ENCODING_DENSE = 0
    ENCODING_SPARSE = 1
    CACHE_AT = 8
    INDEX_BITS = 14
    VALUE_LAST = 64 - INDEX_BITS + 1    # the largest value of a register: all bits of the hash above the index are zero
    HASH_SEED = 0xadc83b19
    SHORT_RUN = 64              # registers that an opcode of one byte can tell to be zero
    VALUE_RUN = 4               # registers that one opcode can tell a value of
    WORD = 8
    BLOCK = 64                  # bytes of opcodes that are read at once
    NEAR = 64                   # registers that are not worth reading blocks
    MERGED = 5                  # opcodes that are looked at for merging after a change

cdef uint64_t HASH_FACTOR = <uint64_t>0xc6a4a7935bd1e995
cdef uint64_t OUT_OF_DATE = <uint64_t>1 << 63
# 1 / (2 ln 2)
cdef double ALPHA = 0.721347520444481703680


# Hashing


cdef uint64_t murmur(const char* at, size_t len) noexcept nogil:
    cdef uint64_t hash = <uint64_t>HASH_SEED ^ (len * HASH_FACTOR)
    cdef uint64_t word
    while len >= 8:
        word = read_word(at) * HASH_FACTOR
        hash = (hash ^ ((word ^ word >> 47) * HASH_FACTOR)) * HASH_FACTOR
        at += 8
        len -= 8
    if len:
        word = 0
        while len:
            len -= 1
            word = word << 8 | <uint8_t>at[len]
        hash = (hash ^ word) * HASH_FACTOR
    hash = (hash ^ hash >> 47) * HASH_FACTOR
    return hash ^ hash >> 47


cdef HllPlace hll_place(Slice element) noexcept nogil:
    cdef uint64_t hash = murmur(element.ptr, element.len)
    cdef HllPlace place
    place.index = <uint32_t>(hash & (REGISTERS - 1))
    place.value = <uint8_t>(1 + lowest_bit(hash >> INDEX_BITS | <uint64_t>1 << 64 - INDEX_BITS))
    return place


# The header


cdef HllKind hll_kind(Slice text) noexcept nogil:
    if text.len < HLL_HEADER or memcmp(text.ptr, b"HYLL", ENCODING_AT) != 0:
        return HLL_NONE
    if text.ptr[ENCODING_AT] == ENCODING_SPARSE:
        return HLL_SPARSE
    if text.ptr[ENCODING_AT] == ENCODING_DENSE and text.len == HLL_DENSE_SIZE:
        return HLL_DENSE
    return HLL_NONE


cdef bint hll_cached(const char* text, uint64_t* cardinality) noexcept nogil:
    cardinality[0] = read_word(text + CACHE_AT)
    return not cardinality[0] & OUT_OF_DATE


cdef void hll_cache(char* text, uint64_t cardinality) noexcept nogil:
    write_word(text + CACHE_AT, cardinality)


cdef void hll_forget_cached(char* text) noexcept nogil:
    write_word(text + CACHE_AT, read_word(text + CACHE_AT) | OUT_OF_DATE)


# Dense registers


cdef bint hll_dense_set(char* text, HllPlace place) noexcept nogil:
    cdef uint8_t* dense = <uint8_t*>text + HLL_HEADER
    if registers_get(dense, place.index) >= place.value:
        return False
    registers_set(dense, place.index, place.value)
    return True


cdef void hll_dense_store(char* text, const uint8_t* raw) noexcept nogil:
    registers_pack(raw, <uint8_t*>text + HLL_HEADER)


# Opcodes


cdef inline bint is_value(uint8_t code) noexcept nogil:
    return code >= 0x80


cdef inline bint is_long(uint8_t code) noexcept nogil:
    return code >> 6 == 1


cdef inline uint32_t run_of(const uint8_t* code) noexcept nogil:
    """How many registers an opcode is about."""
    if is_value(code[0]):
        return (code[0] & 3) + 1
    return (<uint32_t>(code[0] & 63) << 8 | code[1]) + 1 if is_long(code[0]) else code[0] + 1


cdef inline uint8_t value_of(uint8_t code) noexcept nogil:
    return (code >> 2 & 31) + 1 if is_value(code) else 0


cdef inline uint8_t value_code(uint8_t value, uint32_t run) noexcept nogil:
    return <uint8_t>(0x80 | value - 1 << 2 | run - 1)


cdef struct Passed:
    # opcodes that blocks were read of
    size_t bytes                # of whole opcodes
    size_t last                 # where the last one of them begins
    uint32_t registers          # that they are about


cdef Passed pass_blocks(const uint8_t* codes, size_t len, uint32_t index) noexcept nogil:
    """Passes over as many of len bytes of opcodes as it takes for less than BLOCK more of them to come to a register."""
    cdef Passed passed
    cdef Block block
    cdef uint64_t heads = 0
    cdef size_t at = 0
    cdef uint32_t second = 0
    passed.registers = 0
    while at + BLOCK <= len:
        block = read_block(codes + at, second)
        if passed.registers + block.registers > index:
            break
        passed.registers += block.registers
        heads = block.heads
        second = block.second
        at += BLOCK
    if second:
        # half an opcode is none
        passed.registers -= 1 + (<uint32_t>(codes[at - 1] & 63) << 8)
        heads &= ~(<uint64_t>1 << BLOCK - 1)
    passed.bytes = at - second
    passed.last = at - 1 - leading_zeros(heads) if heads else 0
    return passed


cdef bint hll_is_whole(Slice text) noexcept nogil:
    cdef const uint8_t* code = <const uint8_t*>text.ptr + HLL_HEADER
    cdef const uint8_t* end = <const uint8_t*>text.ptr + text.len
    cdef Passed passed = pass_blocks(code, text.len - HLL_HEADER, REGISTERS)
    cdef uint32_t registers = passed.registers
    code += passed.bytes
    while code < end and registers < REGISTERS:
        if is_long(code[0]) and code + 1 == end:
            return False
        registers += run_of(code)
        code += 2 if is_long(code[0]) else 1
    return registers == REGISTERS and code == end


cdef void hll_decode(Slice text, Buf* out) noexcept nogil:
    cdef const uint8_t* code = <const uint8_t*>text.ptr + HLL_HEADER
    cdef const uint8_t* end = <const uint8_t*>text.ptr + text.len
    while code < end:
        buf_append_text(out, b"v:" if is_value(code[0]) else b"Z:" if is_long(code[0]) else b"z:")
        if is_value(code[0]):
            buf_append_i64(out, value_of(code[0]))
            buf_append_byte(out, c',')
        buf_append_i64(out, run_of(code))
        code += 2 if is_long(code[0]) else 1
        if code < end:
            buf_append_byte(out, c' ')


# Drafts


cdef void hll_draft(HllDraft* d, Slice text, size_t limit) noexcept nogil:
    d.limit = limit
    go_to(d, HLL_HEADER, 0, 0)
    d.text = <const uint8_t*>text.ptr
    d.len = text.len
    if text.ptr == NULL:
        memset(d.room, 0, HLL_HEADER)
        memcpy(d.room, b"HYLL", ENCODING_AT)
        d.room[ENCODING_AT] = ENCODING_SPARSE
        d.text = d.room
        d.len = HLL_HEADER + write_zeros(d.room + HLL_HEADER, REGISTERS)


cdef void copy_draft(HllDraft* d) noexcept nogil:
    """Before the first change."""
    if d.text != d.room:
        memcpy(d.room, d.text, d.len)
        d.text = d.room


cdef Slice hll_drafted(const HllDraft* d) noexcept nogil:
    return slice_of(<const char*>d.text, d.len)


cdef void hll_draft_forget_cached(HllDraft* d) noexcept nogil:
    copy_draft(d)
    hll_forget_cached(<char*>d.room)


cdef void hll_draft_store(HllDraft* d, const uint8_t* raw) noexcept nogil:
    copy_draft(d)
    hll_dense_store(<char*>d.room, raw)
    d.room[ENCODING_AT] = ENCODING_DENSE
    d.len = HLL_DENSE_SIZE


cdef void hll_draft_dense(HllDraft* d) noexcept nogil:
    cdef uint8_t[REGISTERS] raw
    if d.text[ENCODING_AT] == ENCODING_SPARSE:
        memset(raw, 0, REGISTERS)
        hll_merge(raw, hll_drafted(d))
        hll_draft_store(d, raw)


cdef size_t write_zeros(uint8_t* to, uint32_t run) noexcept nogil:
    """Writes the opcode for a run of zeros; its length."""
    if run <= SHORT_RUN:
        to[0] = <uint8_t>(run - 1)
        return 1
    to[0] = <uint8_t>(0x40 | run - 1 >> 8)
    to[1] = <uint8_t>(run - 1)
    return 2


cdef size_t write_run(uint8_t* to, uint8_t value, uint32_t run) noexcept nogil:
    """Writes the opcode for a run of a value or of zeros; its length, 0 for a run of none."""
    if run == 0:
        return 0
    if value == 0:
        return write_zeros(to, run)
    to[0] = value_code(value, run)
    return 1


cdef void go_to(HllDraft* d, size_t at, size_t before, uint32_t first) noexcept nogil:
    """The next search begins at an opcode, whose registers begin with `first`."""
    d.at = at
    d.before = before
    d.before_that = 0
    d.first = first


cdef uint32_t find(HllDraft* d, uint32_t index) noexcept nogil:
    """Moves to the opcode that a register belongs to, which is there; how many registers that is about."""
    cdef uint32_t run
    cdef Passed passed
    if index < d.first:
        go_to(d, HLL_HEADER, 0, 0)
    if index - d.first > NEAR:
        passed = pass_blocks(d.text + d.at, d.len - d.at, index - d.first)
        if passed.bytes:
            go_to(d, d.at + passed.bytes, d.at + passed.last, d.first + passed.registers)
    run = run_of(d.text + d.at)
    while d.first + run <= index:
        d.first += run
        d.before_that = d.before
        d.before = d.at
        d.at += 2 if is_long(d.text[d.at]) else 1
        run = run_of(d.text + d.at)
    return run


cdef void merge_values(HllDraft* d, size_t at) noexcept nogil:
    """Joins opcodes of the same value where they fit one, MERGED times or less, as Redis does: what else could be joined stays."""
    cdef uint8_t* code
    cdef uint32_t run
    cdef int left = MERGED
    while left and at < d.len:
        left -= 1
        code = d.room + at
        if is_long(code[0]):
            at += 2
            continue
        if is_value(code[0]) and at + 1 < d.len and is_value(code[1]) and value_of(code[0]) == value_of(code[1]):
            run = run_of(code) + run_of(code + 1)
            if run <= VALUE_RUN:
                # and what they have become is looked at again, with its next neighbour
                code[0] = value_code(value_of(code[0]), run)
                memmove(code + 1, code + 2, d.len - at - 2)
                d.len -= 1
                continue
        at += 1


cdef void join_neighbours(HllDraft* d) noexcept nogil:
    """After a register was raised: from the opcode before on, where the next search begins, too, if what is before that is known."""
    cdef size_t begin = d.before if d.before else d.at
    if d.before_that:
        go_to(d, d.before, d.before_that, d.first - run_of(d.room + d.before))
    else:
        go_to(d, HLL_HEADER, 0, 0)
    merge_values(d, begin)


cdef enum Raised:
    SAME = 0
    CHANGED = 1
    TOO_LONG = 2            # nothing is changed: it has to become dense


cdef Raised raise_sparse(HllDraft* d, HllPlace place) noexcept nogil:
    cdef uint32_t run
    cdef uint32_t before
    cdef uint8_t old
    cdef size_t old_size
    cdef size_t size
    cdef uint8_t[8] codes
    if place.value > HLL_VALUE_MAX:
        return TOO_LONG
    run = find(d, place.index)
    old = value_of(d.text[d.at])
    if old >= place.value:
        return SAME
    old_size = 2 if is_long(d.text[d.at]) else 1
    before = place.index - d.first
    size = write_run(codes, old, before)
    size += write_run(codes + size, place.value, 1)
    size += write_run(codes + size, old, run - before - 1)
    if size > old_size and d.len + size - old_size > d.limit:
        return TOO_LONG
    copy_draft(d)
    memmove(d.room + d.at + size, d.room + d.at + old_size, d.len - d.at - old_size)
    memcpy(d.room + d.at, codes, size)
    d.len = d.len + size - old_size
    join_neighbours(d)
    return CHANGED


cdef bint hll_draft_set(HllDraft* d, HllPlace place) noexcept nogil:
    cdef Raised raised
    if d.text[ENCODING_AT] == ENCODING_SPARSE:
        raised = raise_sparse(d, place)
        if raised != TOO_LONG:
            return raised == CHANGED
        hll_draft_dense(d)
    copy_draft(d)
    return hll_dense_set(<char*>d.room, place)


cdef void hll_draft_merge(HllDraft* d, const uint8_t* raw) noexcept nogil:
    cdef HllPlace place
    cdef int i
    cdef int k
    for i in range(REGISTERS // WORD):
        if read_word(raw + i * WORD) == 0:
            continue
        for k in range(i * WORD, (i + 1) * WORD):
            place.index = <uint32_t>k
            place.value = raw[k]
            if place.value and raise_sparse(d, place) == TOO_LONG:
                hll_draft_store(d, raw)
                return


# Merging and counting


cdef void merge_sparse(uint8_t* raw, Slice text) noexcept nogil:
    cdef const uint8_t* code = <const uint8_t*>text.ptr + HLL_HEADER
    cdef const uint8_t* end = <const uint8_t*>text.ptr + text.len
    cdef uint32_t run
    cdef uint32_t i
    cdef uint8_t value
    while code < end:
        run = run_of(code)
        if is_value(code[0]):
            value = value_of(code[0])
            for i in range(run):
                if raw[i] < value:
                    raw[i] = value
        raw += run
        code += 2 if is_long(code[0]) else 1


cdef void hll_merge(uint8_t* raw, Slice text) noexcept nogil:
    if text.ptr[ENCODING_AT] == ENCODING_DENSE:
        registers_merge(raw, <const uint8_t*>text.ptr + HLL_HEADER)
    else:
        merge_sparse(raw, text)


cdef double sigma(double x) noexcept nogil:
    """x + sum of x^(2^k) 2^(k - 1) for k from 1 on."""
    cdef double y = 1
    cdef double z = x
    cdef double before = -1
    if x == 1:
        return INFINITY
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


cdef double tau(double x) noexcept nogil:
    """A third of 1 - x - sum of (1 - x^(2^-k))^2 2^-k for k from 1 on."""
    cdef double y = 1
    cdef double z = 1 - x
    cdef double before = -1
    if x == 0 or x == 1:
        return 0
    while z != before:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) * (1 - x) * y
    return z / 3


cdef uint64_t estimate(const uint32_t* counts) noexcept nogil:
    """The cardinality, from how many registers have each value."""
    cdef double m = REGISTERS
    cdef double z = m * tau((m - counts[VALUE_LAST]) / m)
    cdef double all
    cdef int value
    for value in range(VALUE_LAST - 1, 0, -1):
        z = (z + counts[value]) * 0.5
    z += m * sigma(counts[0] / m)
    all = ALPHA * m * m / z
    # registers that no hash can make may tell of infinitely many
    return <uint64_t>(llround(all) if isfinite(all) else INT64_MIN)


cdef uint64_t hll_estimate(const uint8_t* raw) noexcept nogil:
    cdef uint32_t[REGISTER_VALUES] counts
    registers_count(raw, counts)
    return estimate(counts)


cdef void count_sparse(Slice text, uint32_t* counts) noexcept nogil:
    """Looks at opcodes of values alone: what is left is zero."""
    cdef const uint8_t* codes = <const uint8_t*>text.ptr + HLL_HEADER
    cdef size_t len = text.len - HLL_HEADER
    cdef size_t at = 0
    cdef uint32_t second = 0
    cdef const uint8_t* code
    cdef Block block
    memset(counts, 0, REGISTER_VALUES * sizeof(uint32_t))
    counts[0] = REGISTERS
    while at + BLOCK <= len:
        block = read_block(codes + at, second)
        while block.values:
            code = codes + at + lowest_bit(block.values)
            counts[value_of(code[0])] += run_of(code)
            counts[0] -= run_of(code)
            block.values &= block.values - 1
        second = block.second
        at += BLOCK
    at += second
    while at < len:
        code = codes + at
        if is_value(code[0]):
            counts[value_of(code[0])] += run_of(code)
            counts[0] -= run_of(code)
        at += 2 if is_long(code[0]) else 1


cdef uint64_t hll_count(Slice text) noexcept nogil:
    cdef uint8_t[REGISTERS] raw
    cdef uint32_t[REGISTER_VALUES] counts
    if text.ptr[ENCODING_AT] == ENCODING_SPARSE:
        count_sparse(text, counts)
        return estimate(counts)
    memset(raw, 0, REGISTERS)
    registers_merge(raw, <const uint8_t*>text.ptr + HLL_HEADER)
    return hll_estimate(raw)


# The self test

cdef enum:
    TESTED_ELEMENTS = 20000
    TESTED_EVERY = 1000


cdef const char* units_differ() noexcept nogil:
    """Whether all units that the processor has come to the same registers; the one in use stays in use."""
    cdef uint8_t[DENSE_BYTES] dense
    cdef uint8_t[DENSE_BYTES] packed
    cdef uint8_t[2][REGISTERS] raw
    cdef uint32_t[2][REGISTER_VALUES] counts
    cdef int in_use = registers_unit()
    cdef int unit
    cdef int i
    cdef int k
    cdef bint same = True
    for i in range(DENSE_BYTES):
        dense[i] = <uint8_t>murmur(<const char*>&i, sizeof(i))
    for unit in range(registers_best_unit() + 1):
        if registers_use(unit):
            k = unit != UNIT_PLAIN
            memset(raw[k], 0, REGISTERS)
            registers_merge(raw[k], dense)
            registers_pack(raw[k], packed)
            registers_count(raw[k], counts[k])
            same = same and memcmp(packed, dense, DENSE_BYTES) == 0
            same = same and memcmp(raw[k], raw[0], REGISTERS) == 0 and memcmp(counts[k], counts[0], sizeof(counts[0])) == 0
    registers_use(in_use)
    if not same:
        return b"TESTFAILED the processor's vector unit computes other registers"
    return NULL


cdef const char* hll_self_test() noexcept nogil:
    cdef HllDraft sparse
    cdef HllDraft dense
    cdef HllPlace place
    cdef uint64_t count
    cdef uint32_t i
    hll_draft(&sparse, slice_of(NULL, 0), HLL_SPARSE_MAX)
    hll_draft(&dense, slice_of(NULL, 0), HLL_SPARSE_MAX)
    hll_draft_dense(&dense)
    for i in range(1, TESTED_ELEMENTS + 1):
        place = hll_place(slice_of(<const char*>&i, sizeof(i)))
        if hll_draft_set(&sparse, place) != hll_draft_set(&dense, place):
            return b"TESTFAILED a sparse and a dense HyperLogLog differ in what is new"
        if i % TESTED_EVERY == 0:
            count = hll_count(hll_drafted(&dense))
            if not hll_is_whole(hll_drafted(&sparse)) or count != hll_count(hll_drafted(&sparse)):
                return b"TESTFAILED a sparse and a dense HyperLogLog differ in their counts"
            # 0.81 % is the standard error
            if count * 20 < i * 19 or count * 20 > i * 21:
                return b"TESTFAILED a count is wrong by more than a twentieth"
    return units_differ()
