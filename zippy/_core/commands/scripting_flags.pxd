"""The first line of a script, which may say what it does: "#!lua flags=no-writes,allow-oom"."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client


# Reads the line, if the script begins with one, and leaves what follows from its end on, so that lines are counted as they were. False:
# the client was told what is wrong
cdef bint read_first_line(Client* c, Slice* body, uint64_t* flags) noexcept nogil
