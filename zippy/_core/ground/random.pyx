# One generator a core serves everything that is drawn. Bounded numbers are drawn by rejection, so none is likelier than another.

cdef inline uint64_t rotl(uint64_t x, int k) noexcept nogil:
    return (x << k) | (x >> (64 - k))


cdef void random_seed(Random* r, uint64_t seed) noexcept nogil:
    # splitmix64 spreads the seed over the state (Steele, Lea, Flood 2014)
    cdef uint64_t z
    cdef int i
    for i in range(4):
        seed += <uint64_t>0x9E3779B97F4A7C15
        z = seed
        z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
        r.state[i] = z ^ (z >> 31)


cdef uint64_t random_next(Random* r) noexcept nogil:
    # xoshiro256** (Blackman, Vigna 2018)
    cdef uint64_t* s = r.state
    cdef uint64_t result = rotl(s[1] * 5, 7) * 9
    cdef uint64_t t = s[1] << 17
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)
    return result


cdef uint64_t random_below(Random* r, uint64_t bound) noexcept nogil:
    # rejection: values below 2^64 mod bound would make the low remainders likelier
    cdef uint64_t floor = (0 - bound) % bound
    cdef uint64_t x = random_next(r)
    while x < floor:
        x = random_next(r)
    return x % bound


cdef double random_unit(Random* r) noexcept nogil:
    return (random_next(r) >> 11) * (1.0 / 9007199254740992.0)
