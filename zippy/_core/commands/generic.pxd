"""The generic group: keys whatever they hold. Expiry is in generic_expire, iteration in generic_scan."""

from zippy._core.commands.types cimport command_fn


cdef command_fn generic_handler(const char* name) noexcept nogil
