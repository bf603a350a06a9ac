"""SPOP and SRANDMEMBER."""

from zippy._core.commands.types cimport command_fn


cdef command_fn set_random_handler(const char* name) noexcept nogil
