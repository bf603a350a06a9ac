"""The pubsub group."""

from zippy._core.commands.types cimport command_fn


cdef command_fn pubsub_handler(const char* name) noexcept nogil
