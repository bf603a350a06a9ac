"""SHA-1, for tests."""

from libc.stdint cimport uint8_t
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take


def sha1(list parts):
    """The sum of the parts, taken one after the other."""
    cdef Sha1 h
    cdef uint8_t[SHA1_BYTES] sum
    cdef bytes part
    sha1_begin(&h)
    for part in parts:
        sha1_take(&h, <const char*>part, len(part))
    sha1_end(&h, sum)
    return sum[:SHA1_BYTES]
