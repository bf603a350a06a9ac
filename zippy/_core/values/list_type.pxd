"""The row of lists: RDB bytes, the commands that rebuild one, checksum, and what `list` does."""

from zippy._core.values.types cimport TypeOps


cdef void list_row(TypeOps* row) noexcept nogil
