"""Popping the lowest and highest members of sorted sets, blocking or not."""

from zippy._core.commands.types cimport command_fn


cdef command_fn sorted_set_pop_handler(const char* name) noexcept nogil
