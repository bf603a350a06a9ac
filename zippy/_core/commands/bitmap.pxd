"""The bitmap group."""

from zippy._core.commands.types cimport command_fn


cdef command_fn bitmap_handler(const char* name) noexcept nogil
