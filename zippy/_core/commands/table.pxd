"""The command table of an engine: the rows of the build, with room for statistics and other names."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Command, Engine


cdef int table_build(Engine* e) noexcept nogil      # -1: no memory
# Both lower case; an empty new name takes the command away; what is wrong, or NULL
cdef const char* table_rename(Engine* e, Slice old, Slice new) noexcept nogil
