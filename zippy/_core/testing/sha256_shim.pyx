"""SHA-256, for tests."""

from libc.stdint cimport uint8_t
from zippy._core.ground.sha256 cimport SHA256_BYTES, sha256 as c_sha256, sha256_equal


def sha256(bytes data not None):
    """The sum of the data."""
    cdef uint8_t[SHA256_BYTES] sum
    c_sha256(<const char*>data, len(data), sum)
    return sum[:SHA256_BYTES]


def equal(bytes a not None, bytes b not None):
    """Whether two sums are the same."""
    return sha256_equal(<const uint8_t*><const char*>a, <const uint8_t*><const char*>b)
