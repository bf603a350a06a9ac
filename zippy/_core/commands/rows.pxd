"""The command table: the specs of zippy/commandspec as rows in C.

The build makes rows.pyx of them (commandspec/rows.py), so that a spec whose handler is missing does not compile."""

from libc.stdint cimport uint64_t
from zippy._core.commands.types cimport Command


# All commands, a container before its subcommands, whose `parent` points into the same array; static, to be copied
cdef const Command* command_rows(int* count) noexcept nogil
cdef const char* category_name(int bit) noexcept nogil      # of access control; NULL: there are no more
cdef const uint64_t* category_commands(int bit) noexcept nogil  # ACL_WORDS words: the ids of its commands, and of what is in its containers
