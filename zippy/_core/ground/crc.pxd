"""Checksums: CRC-64 (Jones) of RDB files and DUMP payloads, CRC-16 (XMODEM) of cluster key slots."""

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint64_t


cdef uint64_t crc64(uint64_t crc, const void* ptr, size_t len) noexcept nogil     # continue from crc, 0 to start
cdef uint16_t crc16(const void* ptr, size_t len) noexcept nogil
