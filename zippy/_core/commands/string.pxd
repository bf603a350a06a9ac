"""The string group."""

from zippy._core.commands.types cimport command_fn


cdef command_fn string_handler(const char* name) noexcept nogil
