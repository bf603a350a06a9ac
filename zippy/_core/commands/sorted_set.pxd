"""The commands on sorted sets."""

from zippy._core.commands.types cimport command_fn


cdef command_fn sorted_set_handler(const char* name) noexcept nogil
