"""SHA-1, for tests."""

from libc.stdint cimport uint8_t
from zippy._core.ground.sha1 cimport SHA1_BYTES, Sha1, sha1_begin, sha1_end, sha1_take, sha1_use_instructions


def use_instructions(bint wanted):
    """Has the processor's own instructions compute sums from now on, or not; whether they do."""
    return bool(sha1_use_instructions(wanted))


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
