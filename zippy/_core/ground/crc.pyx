# Both are computed from tables that are made at import. CRC-64 takes eight bytes a step: table k tells what a byte does that k more follow.

from libc.string cimport memcpy

cdef enum:
    SLICES = 8              # bytes a step
    CRC16_POLYNOMIAL = 0x1021

# x^64 + the Jones polynomial 0xad93d23594c935a9, bits in reverse
cdef uint64_t CRC64_POLYNOMIAL = <uint64_t>0x95AC9329AC4BC9B5

cdef uint64_t[SLICES][256] table64
cdef uint16_t[256] table16


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
        table16[byte] = shift16(<uint16_t>(byte << 8))
    for byte in range(256):
        for k in range(1, SLICES):
            table64[k][byte] = (table64[k - 1][byte] >> 8) ^ table64[0][table64[k - 1][byte] & 0xFF]


make_tables()


cdef uint64_t crc64(uint64_t crc, const void* ptr, size_t len) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>ptr
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
    while len:
        crc = <uint16_t>((crc << 8) ^ table16[(crc >> 8) ^ p[0]])
        p += 1
        len -= 1
    return crc
