"""The list group: pushing, reading, changing. Popping and moving, blocking or not, is in list_pop."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine, command_fn
from zippy._core.values.entry cimport Entry


cdef command_fn list_handler(const char* name) noexcept nogil
