"""The row of sets: RDB bytes, the commands that rebuild one, checksum, and what `set` does."""

from zippy._core.values.types cimport TypeOps


cdef void set_row(TypeOps* row) noexcept nogil
