"""SORT and SORT_RO."""

from zippy._core.commands.types cimport command_fn


cdef command_fn generic_sort_handler(const char* name) noexcept nogil
