"""Five ways for inputs of 0, up to 3, 8, 16, 128 and 240 bytes and of more. Numbers are read as little-endian ones lie in memory, which is
how they lie in ours."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    /* both halves of the product, one upon the other */
    static inline uint64_t zippy_folded(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    uint64_t folded "zippy_folded"(uint64_t a, uint64_t b) noexcept nogil
    uint64_t swapped "__builtin_bswap64"(uint64_t n) noexcept nogil

cdef enum:
    SECRET_BYTES = 192
    STRIPE = 64                                        # bytes
    LANES = 8                                          # of eight bytes, in a stripe
    BLOCK = STRIPE * (SECRET_BYTES - STRIPE) // 8      # bytes: as many stripes as the secret has places for

cdef uint64_t PRIME32_1 = 0x9E3779B1
cdef uint64_t PRIME32_2 = 0x85EBCA77
cdef uint64_t PRIME32_3 = 0xC2B2AE3D
cdef uint64_t PRIME64_1 = 0x9E3779B185EBCA87
cdef uint64_t PRIME64_2 = 0xC2B2AE3D27D4EB4F
cdef uint64_t PRIME64_3 = 0x165667B19E3779F9
cdef uint64_t PRIME64_4 = 0x85EBCA77C2B2AE63
cdef uint64_t PRIME64_5 = 0x27D4EB2F165667C5
cdef uint64_t PRIME_MX1 = 0x165667919E3779F9
cdef uint64_t PRIME_MX2 = 0x9FB21C651E98DF25

# The default secret
cdef const uint8_t* SECRET = (
    b"\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe\x7c\x01\x81\x2c\xf7\x21\xad\x1c\xde\xd4\x6d\xe9\x83\x90\x97\xdb\x72\x40\xa4\xa4\xb7\xb3\x67\x1f"
    b"\xcb\x79\xe6\x4e\xcc\xc0\xe5\x78\x82\x5a\xd0\x7d\xcc\xff\x72\x21\xb8\x08\x46\x74\xf7\x43\x24\x8e\xe0\x35\x90\xe6\x81\x3a\x26\x4c"
    b"\x3c\x28\x52\xbb\x91\xc3\x00\xcb\x88\xd0\x65\x8b\x1b\x53\x2e\xa3\x71\x64\x48\x97\xa2\x0d\xf9\x4e\x38\x19\xef\x46\xa9\xde\xac\xd8"
    b"\xa8\xfa\x76\x3f\xe3\x9c\x34\x3f\xf9\xdc\xbb\xc7\xc7\x0b\x4f\x1d\x8a\x51\xe0\x4b\xcd\xb4\x59\x31\xc8\x9f\x7e\xc9\xd9\x78\x73\x64"
    b"\xea\xc5\xac\x83\x34\xd3\xeb\xc3\xc5\x81\xa0\xff\xfa\x13\x63\xeb\x17\x0d\xdd\x51\xb7\xf0\xda\x49\xd3\x16\x55\x26\x29\xd4\x68\x9e"
    b"\x2b\x16\xbe\x58\x7d\x47\xa1\xfc\x8f\xf8\xb8\xd1\x7a\xd0\x31\xce\x45\xcb\x3a\x8f\x95\x16\x04\x28\xaf\xd7\xfb\xca\xbb\x4b\x40\x7e"
)


cdef inline uint64_t word(const uint8_t* p) noexcept nogil:
    cdef uint64_t n
    memcpy(&n, p, sizeof(n))
    return n


cdef inline uint32_t half_word(const uint8_t* p) noexcept nogil:
    cdef uint32_t n
    memcpy(&n, p, sizeof(n))
    return n


cdef inline uint64_t rotated(uint64_t n, int by) noexcept nogil:
    return n << by | n >> (64 - by)


cdef inline uint64_t avalanche(uint64_t n) noexcept nogil:
    n ^= n >> 37
    n *= PRIME_MX1
    return n ^ n >> 32


cdef inline uint64_t avalanche_of_xxh64(uint64_t n) noexcept nogil:
    n ^= n >> 33
    n *= PRIME64_2
    n ^= n >> 29
    n *= PRIME64_3
    return n ^ n >> 32


# ---- up to 16 bytes


cdef uint64_t hash_up_to_3(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint32_t combined = data[length - 1] | <uint32_t>length << 8 | <uint32_t>data[0] << 16 | <uint32_t>data[length >> 1] << 24
    return avalanche_of_xxh64(<uint64_t>(half_word(SECRET) ^ half_word(SECRET + 4)) ^ combined)


cdef uint64_t hash_up_to_8(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint64_t combined = half_word(data + length - 4) | <uint64_t>half_word(data) << 32
    cdef uint64_t n = word(SECRET + 8) ^ word(SECRET + 16) ^ combined
    n ^= rotated(n, 49) ^ rotated(n, 24)
    n *= PRIME_MX2
    n ^= (n >> 35) + length
    n *= PRIME_MX2
    return n ^ n >> 28


cdef uint64_t hash_up_to_16(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint64_t low = word(SECRET + 24) ^ word(SECRET + 32) ^ word(data)
    cdef uint64_t high = word(SECRET + 40) ^ word(SECRET + 48) ^ word(data + length - 8)
    return avalanche(length + swapped(low) + high + folded(low, high))


# ---- up to 240 bytes


cdef inline uint64_t mixed(const uint8_t* data, const uint8_t* secret) noexcept nogil:
    """Sixteen bytes with sixteen of the secret."""
    return folded(word(data) ^ word(secret), word(data + 8) ^ word(secret + 8))


cdef uint64_t hash_up_to_128(const uint8_t* data, size_t length) noexcept nogil:
    """In pieces from both ends to the middle, where they may overlap."""
    cdef uint64_t sum = length * PRIME64_1
    cdef size_t i
    for i in range((length - 1) // 32 + 1):
        sum += mixed(data + 16 * i, SECRET + 32 * i)
        sum += mixed(data + length - 16 * i - 16, SECRET + 32 * i + 16)
    return avalanche(sum)


cdef uint64_t hash_up_to_240(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint64_t sum = length * PRIME64_1
    cdef size_t i
    for i in range(8):
        sum += mixed(data + 16 * i, SECRET + 16 * i)
    sum = avalanche(sum)
    for i in range(8, length // 16):
        sum += mixed(data + 16 * i, SECRET + 16 * (i - 8) + 3)
    return avalanche(sum + mixed(data + length - 16, SECRET + 119))


# ---- more


cdef inline void accumulate(uint64_t* sums, const uint8_t* stripe, const uint8_t* secret) noexcept nogil:
    cdef uint64_t lane
    cdef uint64_t keyed
    cdef int i
    for i in range(LANES):
        lane = word(stripe + 8 * i)
        keyed = lane ^ word(secret + 8 * i)
        sums[i ^ 1] += lane
        sums[i] += <uint64_t><uint32_t>keyed * (keyed >> 32)


cdef void accumulate_stripes(uint64_t* sums, const uint8_t* data, size_t stripes) noexcept nogil:
    cdef size_t i
    for i in range(stripes):
        accumulate(sums, data + STRIPE * i, SECRET + 8 * i)


cdef void scramble(uint64_t* sums) noexcept nogil:
    cdef int i
    for i in range(LANES):
        sums[i] = (sums[i] ^ sums[i] >> 47 ^ word(SECRET + SECRET_BYTES - STRIPE + 8 * i)) * PRIME32_1


cdef uint64_t hash_long(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint64_t[LANES] sums = [
        PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1
    ]
    cdef uint64_t result = length * PRIME64_1
    cdef const uint8_t* last = data + length - STRIPE
    cdef size_t left = length
    cdef int i
    while left > BLOCK:
        accumulate_stripes(sums, data, BLOCK // STRIPE)
        scramble(sums)
        data += BLOCK
        left -= BLOCK
    # the last stripe may overlap what has been read
    accumulate_stripes(sums, data, (left - 1) // STRIPE)
    accumulate(sums, last, SECRET + SECRET_BYTES - STRIPE - 7)
    for i in range(0, LANES, 2):
        result += folded(sums[i] ^ word(SECRET + 11 + 8 * i), sums[i + 1] ^ word(SECRET + 11 + 8 * (i + 1)))
    return avalanche(result)


cdef uint64_t xxh3(const void* data, size_t length) noexcept nogil:
    cdef const uint8_t* bytes = <const uint8_t*>data
    if length > 240:
        return hash_long(bytes, length)
    if length > 128:
        return hash_up_to_240(bytes, length)
    if length > 16:
        return hash_up_to_128(bytes, length)
    if length > 8:
        return hash_up_to_16(bytes, length)
    if length > 3:
        return hash_up_to_8(bytes, length)
    if length > 0:
        return hash_up_to_3(bytes, length)
    return avalanche_of_xxh64(word(SECRET + 56) ^ word(SECRET + 64))


cdef void xxh3_text(char* dst, const void* data, size_t length) noexcept nogil:
    cdef const char* digits = b"0123456789abcdef"
    cdef uint64_t n = xxh3(data, length)
    cdef int i
    for i in range(XXH3_TEXT - 1):
        dst[i] = digits[n >> (60 - 4 * i) & 15]
    dst[XXH3_TEXT - 1] = 0
