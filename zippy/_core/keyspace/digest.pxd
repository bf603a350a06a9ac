"""The checksum of a whole dataset."""

from libc.stdint cimport uint8_t
from zippy._core.keyspace.types cimport Keyspace


# Writes SHA1_BYTES: over all databases and keys that are not expired; all zeros when there are none
cdef void digest_keyspace(Keyspace* ks, uint8_t* total) noexcept nogil
