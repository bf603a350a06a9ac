"""Popping from lists and moving between them, blocking or not."""

from zippy._core.commands.types cimport command_fn


cdef command_fn list_pop_handler(const char* name) noexcept nogil
