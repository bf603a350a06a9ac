# The key's bytes are multiplied with secret words that are made of the seed, so that nobody outside can choose keys that fall together.

from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    /* folds the 128-bit product: every input bit reaches every output bit */
    static inline uint64_t zippy_fold(uint64_t a, uint64_t b) {
        unsigned __int128 p = (unsigned __int128)a * b;
        return (uint64_t)p ^ (uint64_t)(p >> 64);
    }
    """
    uint64_t zippy_fold(uint64_t a, uint64_t b) noexcept nogil


cdef uint64_t[4] secret = [
    <uint64_t>0x8A5CD789635D2DFF, <uint64_t>0x121FD2155C472F97, <uint64_t>0x6C9E8F3B1D4A7E25, <uint64_t>0xB3D5A1C47F829E6B
]


cdef void hash_seed(uint64_t seed) noexcept nogil:
    # every secret word is odd and depends on all of the seed (splitmix64)
    cdef uint64_t z
    cdef int i
    for i in range(4):
        seed += <uint64_t>0x9E3779B97F4A7C15
        z = seed
        z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
        secret[i] = (z ^ (z >> 31)) | 1


def seed_hashes(uint64_t seed):
    """Seeds the hash function of the whole process; before the first core is made."""
    hash_seed(seed)


cdef inline uint64_t word(const unsigned char* p) noexcept nogil:
    cdef uint64_t w
    memcpy(&w, p, 8)
    return w


cdef uint64_t hash_bytes(const void* ptr, size_t len) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>ptr
    cdef uint64_t state = secret[0]
    cdef uint64_t a = 0
    cdef uint64_t b = 0
    cdef size_t left = len
    cdef unsigned int half
    while left > 16:
        state = zippy_fold(word(p) ^ secret[1], word(p + 8) ^ state)
        p += 16
        left -= 16
    if left >= 8:
        a = word(p)
        b = word(p + left - 8)
    elif left >= 4:
        memcpy(&half, p, 4)
        a = half
        memcpy(&half, p + left - 4, 4)
        b = half
    elif left > 0:
        a = (<uint64_t>p[0] << 16) | (<uint64_t>p[left >> 1] << 8) | p[left - 1]
    # the length comes in only here, where no byte of the key could cancel it whatever the seed
    return zippy_fold(secret[2] ^ len ^ zippy_fold(a ^ secret[1], b ^ state), secret[3])
