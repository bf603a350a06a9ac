"""The row of sorted sets: RDB bytes, the commands that rebuild one, checksum, and what `zset` does."""

from zippy._core.values.types cimport TypeOps


cdef void zset_row(TypeOps* row) noexcept nogil
