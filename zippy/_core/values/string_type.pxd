"""The row of strings: RDB bytes, the commands that rebuild one, checksum, and what `entry` does."""

from zippy._core.values.types cimport TypeOps


cdef void string_row(TypeOps* row) noexcept nogil
