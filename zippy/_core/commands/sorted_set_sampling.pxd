"""Random members, and all members bit by bit: ZRANDMEMBER, ZSCAN."""

from zippy._core.commands.types cimport command_fn


cdef command_fn sorted_set_sampling_handler(const char* name) noexcept nogil
