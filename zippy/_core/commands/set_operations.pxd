"""Intersections, unions and differences of sets, replied, counted or stored."""

from zippy._core.commands.types cimport command_fn


cdef command_fn set_operations_handler(const char* name) noexcept nogil
