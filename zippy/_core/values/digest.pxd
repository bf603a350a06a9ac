"""Checksums of values: equal data give equal ones, whatever its encoding and the order in which a table happens to hold it.

They are zippy's own, not Redis's.
"""

from libc.stdint cimport uint8_t
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice
from zippy._core.values.entry cimport Entry


# the bytes of s and how many they are, so that what follows cannot be taken for a part of it
cdef void digest_text(Sha1* h, Slice s) noexcept nogil
cdef void digest_mix(uint8_t* total, const uint8_t* sum) noexcept nogil     # joins sums in a way that does not depend on their order
# The sum of type, value and whether there is an expiry; not of the key. Reads alone: no clock, no statistics, no access field.
cdef void digest_value(Entry* e, uint8_t* sum) noexcept nogil
