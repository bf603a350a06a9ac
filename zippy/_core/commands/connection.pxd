"""The connection group: what is answered without leaving the core."""

from zippy._core.commands.types cimport command_fn


cdef command_fn connection_handler(const char* name) noexcept nogil      # the handler of a command of this group, NULL if it has none here
