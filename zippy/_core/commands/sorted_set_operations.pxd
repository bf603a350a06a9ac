"""Unions, intersections and differences of sorted sets; plain sets take part with scores of 1."""

from zippy._core.commands.types cimport command_fn


cdef command_fn sorted_set_operations_handler(const char* name) noexcept nogil
