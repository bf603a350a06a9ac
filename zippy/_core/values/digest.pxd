"""What checksums of values are made of. Equal data give equal ones, whatever its encoding and the order in which a table
happens to hold it. They are zippy's own, not Redis's.
"""

from libc.stdint cimport uint8_t, uint64_t
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice


cdef void digest_number(Sha1* h, uint64_t n) noexcept nogil
# the bytes of s and how many they are, so that what follows cannot be taken for a part of it
cdef void digest_text(Sha1* h, Slice s) noexcept nogil
cdef void digest_mix(uint8_t* total, const uint8_t* sum) noexcept nogil     # joins sums in a way that does not depend on their order
