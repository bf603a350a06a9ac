"""The row of streams: RDB bytes, the commands that rebuild one, checksum, and what `stream` does."""

from zippy._core.values.types cimport TypeOps


cdef void stream_row(TypeOps* row) noexcept nogil
