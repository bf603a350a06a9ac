"""The generic commands that go through the keys of a database."""

from zippy._core.commands.types cimport command_fn


cdef command_fn generic_scan_handler(const char* name) noexcept nogil
