"""DUMP and RESTORE: a value as a string of bytes, and back."""

from zippy._core.commands.types cimport command_fn


cdef command_fn generic_dump_handler(const char* name) noexcept nogil
