"""The transactions group."""

from zippy._core.commands.types cimport command_fn


cdef command_fn transactions_handler(const char* name) noexcept nogil
