# The checksums for tests.

from libc.stdint cimport uint64_t
from zippy._core.ground cimport crc


def crc64(bytes data, uint64_t start=0):
    """CRC-64 of the data, going on from another one."""
    return crc.crc64(start, <const char*>data, len(data))


def crc16(bytes data):
    """CRC-16 of the data."""
    return crc.crc16(<const char*>data, len(data))
