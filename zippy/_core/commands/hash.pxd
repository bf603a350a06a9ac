"""The hash group: setting, reading, counting, scanning. Drawing fields at random is in hash_random."""

from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine, command_fn


cdef command_fn hash_handler(const char* name) noexcept nogil
