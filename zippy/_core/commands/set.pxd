"""The set group: adding, removing, moving, reading, scanning. Drawing is in set_random, several sets at once in set_operations."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine, command_fn


cdef command_fn set_handler(const char* name) noexcept nogil
