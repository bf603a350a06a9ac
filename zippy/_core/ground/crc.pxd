"""Checksums: CRC-64 (Jones) of RDB files and DUMP payloads, CRC-16 (XMODEM) and the key slots of a cluster that it tells."""

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint64_t
from zippy._core.ground.slice cimport Slice

cdef enum:
    SLOTS = 16384        # of a cluster


cdef uint64_t crc64(uint64_t crc, const void* ptr, size_t len) noexcept nogil     # continue from crc, 0 to start
cdef uint16_t crc16(const void* ptr, size_t len) noexcept nogil
# The slot of a key: of what is between its first { and the next } behind it, if there is something, else of all of it
cdef int key_slot(Slice key) noexcept nogil
# The slot of all keys that a pattern can match; -1: they may be of several
cdef int pattern_slot(Slice pattern) noexcept nogil
