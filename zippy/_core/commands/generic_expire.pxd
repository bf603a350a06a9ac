"""The generic commands about expiry."""

from zippy._core.commands.types cimport command_fn


cdef command_fn generic_expire_handler(const char* name) noexcept nogil
