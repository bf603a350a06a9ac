"""The connection group's CLIENT subcommands that need nothing but the core."""

from zippy._core.commands.types cimport command_fn


cdef command_fn connection_client_handler(const char* name) noexcept nogil
