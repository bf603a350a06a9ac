"""The server group: what is answered without leaving the core."""

from zippy._core.commands.types cimport command_fn


cdef command_fn server_handler(const char* name) noexcept nogil
