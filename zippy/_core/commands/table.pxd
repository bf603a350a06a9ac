"""The command table of an engine: the rows of the build, with room for statistics and other names."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Command, Engine, command_fn


# python: runs the commands whose handlers are in Python; -1: no memory
cdef int table_build(Engine* e, command_fn python) noexcept nogil
# Both lower case; an empty new name takes the command away; what is wrong, or NULL
cdef const char* table_rename(Engine* e, Slice old, Slice new) noexcept nogil
