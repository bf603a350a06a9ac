"""The row of hashes: RDB bytes, the commands that rebuild one, checksum, and what `hash` does."""

from zippy._core.values.types cimport TypeOps


cdef void hash_row(TypeOps* row) noexcept nogil
